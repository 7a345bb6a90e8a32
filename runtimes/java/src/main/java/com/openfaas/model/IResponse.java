package com.openfaas.model;

import java.util.Map;

/** An answer in OpenFaaS' Java template. */
public interface IResponse {
    String getBody();

    void setBody(String body);

    byte[] getBodyBytes();

    void setBodyBytes(byte[] body);

    String getHeader(String name);

    void setHeader(String name, String value);

    Map<String, String> getHeaders();

    void setContentType(String contentType);

    String getContentType();

    void setStatusCode(int code);

    int getStatusCode();
}
