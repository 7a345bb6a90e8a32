package heeler;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.LinkedHashMap;
import java.util.Map;

/** OpenFaaS' java11 template: `IResponse Handle(IRequest)`. Its model may be the function's own copy: all goes by name. */
final class OpenFaas extends Style {
    private static final String MODEL = "com.openfaas.model.";

    private final MethodHandle handle;
    private final MethodHandle request;
    private final MethodHandle status;
    private final MethodHandle type;
    private final MethodHandle headers;
    private final MethodHandle body;

    OpenFaas(Class<?> handler) throws NotLoaded {
        super(Load.construct(handler));
        try {
            ClassLoader loader = handler.getClassLoader();
            Class<?> in = Class.forName(MODEL + "IRequest", true, loader);
            Class<?> out = Class.forName(MODEL + "IResponse", true, loader);
            Class<?> made = Class.forName(MODEL + "Request", true, loader);
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            handle = lookup.findVirtual(handler, "Handle", MethodType.methodType(out, in)).bindTo(function);
            request = constructor(lookup, made);
            status = lookup.findVirtual(out, "getStatusCode", MethodType.methodType(int.class));
            type = lookup.findVirtual(out, "getContentType", MethodType.methodType(String.class));
            headers = lookup.findVirtual(out, "getHeaders", MethodType.methodType(Map.class));
            body = body(lookup, out);
        } catch (ReflectiveOperationException missing) {
            throw new NotLoaded(handler.getName() + " does not have the form of OpenFaaS' Java template: " + missing, missing);
        }
    }

    /** Of bytes, or of text in older models. */
    private static MethodHandle constructor(MethodHandles.Lookup lookup, Class<?> made) throws ReflectiveOperationException {
        try {
            return lookup.findConstructor(made, MethodType.methodType(void.class, byte[].class, Map.class, String.class, String.class));
        } catch (NoSuchMethodException older) {
            return MethodHandles.filterArguments(
                lookup.findConstructor(made, MethodType.methodType(void.class, String.class, Map.class, String.class, String.class)), 0, text());
        }
    }

    private static MethodHandle body(MethodHandles.Lookup lookup, Class<?> out) throws ReflectiveOperationException {
        try {
            return lookup.findVirtual(out, "getBodyBytes", MethodType.methodType(byte[].class));
        } catch (NoSuchMethodException older) {
            return lookup.findVirtual(out, "getBody", MethodType.methodType(String.class));
        }
    }

    private static MethodHandle text() throws ReflectiveOperationException {
        return MethodHandles.lookup().findStatic(OpenFaas.class, "text", MethodType.methodType(String.class, byte[].class));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
    }

    @Override
    void serve(Call call) throws Throwable {
        Batch.asRequest(call);
        Map<String, String> given = new LinkedHashMap<>();
        for (int at = 0; at < call.head.headers(); at++) given.putIfAbsent(written(call.head.name(at)), call.head.value(at));
        String query = call.head.query();
        Object response = handle.invoke(
            request.invoke(call.body.readAllBytes(), given, query.isEmpty() ? null : query, Urls.decodedPath(call.head.path())));
        answer(call, response);
    }

    /** As the template's server has it: `content-type` is `Content-type`. */
    private static String written(String name) {
        return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    private void answer(Call call, Object response) throws Throwable {
        Fields fields = Call.fields();
        String shown = (String) type.invoke(response);
        Map<?, ?> others = (Map<?, ?>) headers.invoke(response);
        boolean typed = others.keySet().stream().anyMatch(name -> "content-type".equalsIgnoreCase((String) name));
        if (shown != null && !shown.isEmpty() && !typed) fields.header("content-type", shown);
        others.forEach((name, value) -> fields.header((String) name, (String) value));
        call.reply((int) status.invoke(response), fields, bytes(body.invoke(response)));
    }

    private static byte[] bytes(Object body) throws IOException {
        if (body == null) return Frames.EMPTY;
        return body instanceof byte[] bytes ? bytes : ((String) body).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
}
