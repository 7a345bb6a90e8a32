package com.openfaas.model;

/** What functions of OpenFaaS' Java template extend. */
public abstract class AbstractHandler implements IHandler {
    @Override
    public abstract IResponse Handle(IRequest request);
}
