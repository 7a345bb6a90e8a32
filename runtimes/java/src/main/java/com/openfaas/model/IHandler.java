package com.openfaas.model;

/** What OpenFaaS' Java template calls. */
public interface IHandler {
    IResponse Handle(IRequest request);
}
