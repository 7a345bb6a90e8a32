package com.openfaas.model;

import java.util.Map;

/** A request in OpenFaaS' Java template. */
public interface IRequest {
    String getBody();

    byte[] getBodyBytes();

    Map<String, String> getHeaders();

    String getHeader(String name);

    String getQueryRaw();

    Map<String, String> getQuery();

    String getPathRaw();

    Map<String, String> getPath();
}
