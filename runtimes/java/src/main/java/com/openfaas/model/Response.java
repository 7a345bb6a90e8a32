package com.openfaas.model;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** An answer in OpenFaaS' Java template. */
public class Response implements IResponse {
    private final Map<String, String> headers = new HashMap<>();
    private int status = 200;
    private byte[] body;
    private String contentType = "";

    @Override
    public String getBody() {
        return body == null ? null : new String(body, StandardCharsets.UTF_8);
    }

    @Override
    public void setBody(String body) {
        this.body = body.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] getBodyBytes() {
        return body;
    }

    @Override
    public void setBodyBytes(byte[] body) {
        this.body = body;
    }

    @Override
    public String getHeader(String name) {
        return headers.get(name);
    }

    @Override
    public void setHeader(String name, String value) {
        if (value == null) headers.remove(name);
        else headers.put(name, value);
    }

    @Override
    public Map<String, String> getHeaders() {
        return headers;
    }

    @Override
    public void setContentType(String contentType) {
        this.contentType = contentType;
    }

    @Override
    public String getContentType() {
        return contentType;
    }

    @Override
    public void setStatusCode(int code) {
        status = code;
    }

    @Override
    public int getStatusCode() {
        return status;
    }
}
