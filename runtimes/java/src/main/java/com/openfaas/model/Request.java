package com.openfaas.model;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** A request in OpenFaaS' Java template: one value of each header and of each name of the query. */
public class Request implements IRequest {
    private final byte[] body;
    private final Map<String, String> headers;
    private final String query;
    private final String path;

    public Request(byte[] body, Map<String, String> headers) {
        this(body, headers, null, null);
    }

    public Request(byte[] body, Map<String, String> headers, String queryRaw, String path) {
        this.body = body;
        this.headers = headers;
        this.query = queryRaw;
        this.path = path;
    }

    @Override
    public String getBody() {
        return new String(body, StandardCharsets.UTF_8);
    }

    @Override
    public byte[] getBodyBytes() {
        return body;
    }

    @Override
    public Map<String, String> getHeaders() {
        return headers;
    }

    @Override
    public String getHeader(String name) {
        return headers.get(name);
    }

    @Override
    public String getQueryRaw() {
        return query;
    }

    @Override
    public Map<String, String> getQuery() {
        Map<String, String> found = new HashMap<>();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            int equals = pair.indexOf('=');
            found.put(decoded(equals < 0 ? pair : pair.substring(0, equals)), equals < 0 ? null : decoded(pair.substring(equals + 1)));
        }
        return found;
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException broken) {
            return text;
        }
    }

    @Override
    public String getPathRaw() {
        return path;
    }

    /** `/name/value/name/value`; the last name may go without a value. */
    @Override
    public Map<String, String> getPath() {
        Map<String, String> found = new HashMap<>();
        String[] parts = path == null || path.length() < 2 ? new String[0] : path.substring(1).split("/");
        for (int at = 0; at < parts.length; at += 2) found.put(parts[at], at + 1 < parts.length ? parts[at + 1] : "");
        return found;
    }
}
