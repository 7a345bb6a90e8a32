package com.openfaas.function;

import com.openfaas.model.AbstractHandler;
import com.openfaas.model.IRequest;
import com.openfaas.model.IResponse;
import com.openfaas.model.Response;

/** OpenFaaS' java11 template. */
public class Handler extends AbstractHandler {
    @Override
    public IResponse Handle(IRequest request) {
        Response response = new Response();
        response.setStatusCode(202);
        response.setContentType("text/a");
        response.setHeader("X-A", "b");
        response.setBody(request.getBody() + " " + request.getQueryRaw() + " " + request.getQuery().get("q") + " " + request.getPathRaw() + " "
            + request.getPath().get("a") + " " + request.getHeader("X-in") + " " + request.getBodyBytes().length);
        return response;
    }
}
