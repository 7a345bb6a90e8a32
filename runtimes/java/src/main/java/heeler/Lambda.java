package heeler;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Lambda: RequestHandler, RequestStreamHandler, or a method that is named. Its interfaces are the function's own. */
final class Lambda extends Style {
    static final String RUNTIME = "com.amazonaws.services.lambda.runtime.";

    private final Method method;
    private final boolean streams;
    private final Type argument;
    private final LambdaContext contexts;
    private final int concurrency;

    Lambda(Class<?> type, String name, Map<String, String> env) throws NotLoaded {
        super(Load.construct(type));
        method = find(type, name == null ? "handleRequest" : name);
        method.setAccessible(true);
        Class<?>[] parameters = method.getParameterTypes();
        streams = parameters.length >= 2 && parameters[0] == InputStream.class && parameters[1] == OutputStream.class;
        argument = parameters.length == 0 || LambdaContext.is(parameters[0]) ? null : method.getGenericParameterTypes()[0];
        contexts = new LambdaContext(type.getClassLoader(), env);
        concurrency = Integer.parseInt(env.getOrDefault("AWS_LAMBDA_MAX_CONCURRENCY", "1"));
    }

    /** Of several of that name the one of most parameters, as Lambda has it; not the one that the compiler added. */
    private static Method find(Class<?> type, String name) throws NotLoaded {
        return Arrays.stream(type.getMethods())
            .filter(one -> one.getName().equals(name) && !one.isBridge() && one.getParameterCount() <= 3)
            .max(Comparator.comparingInt(Method::getParameterCount))
            .orElseThrow(() -> new NotLoaded(type.getName() + " has no public method " + name + " of at most three parameters; it has "
                + String.join(", ", Arrays.stream(type.getMethods()).filter(one -> one.getDeclaringClass() != Object.class).map(Method::getName).distinct().sorted().toList())));
    }

    /** There one process has one call at a time, and functions lean on it. */
    @Override
    int concurrency() {
        return concurrency;
    }

    @Override
    void serve(Call call) throws Throwable {
        Batch.asRequestIfBatch(call);
        byte[] body = call.body.readAllBytes();
        Object event = call.head.isEvent() ? structured(call, body) : ProxyEvent.of(call, body);
        if (streams) {
            LambdaOutput out = new LambdaOutput(call);
            invoke(new ByteArrayInputStream(json(event)), out, contexts.of(call));
            out.close();
            return;
        }
        answer(call, invoke(argument == null ? null : Binding.BEANS.to(argument, event), null, contexts.of(call)));
    }

    private Object invoke(Object first, Object second, Object context) throws Throwable {
        Object[] values = new Object[method.getParameterCount()];
        Class<?>[] types = method.getParameterTypes();
        for (int at = 0; at < values.length; at++) {
            values[at] = LambdaContext.is(types[at]) ? context : at == 0 ? first : second;
        }
        try {
            return method.invoke(function, values);
        } catch (InvocationTargetException raised) {
            throw raised.getCause();
        }
    }

    private static byte[] json(Object value) {
        return JsonWriter.write(value, Binding.BEANS, true).getBytes(StandardCharsets.UTF_8);
    }

    /** The event whole, as its JSON form has it. */
    private static Object structured(Call call, byte[] data) throws java.io.IOException {
        call.body = new Body(call, data);
        Event event = Event.of(call);
        return ((List<?>) Json.parse(Batch.array(List.of(event)))).get(0);
    }

    private void answer(Call call, Object result) throws Exception {
        Object value = result == null ? null : Json.parse(JsonWriter.write(result, Binding.BEANS, true));
        if (!(value instanceof Map<?, ?> map) || map.get("statusCode") == null) {
            byte[] bytes = value == null ? Frames.EMPTY : value instanceof String text ? text.getBytes(StandardCharsets.UTF_8) : json(value);
            call.reply(200, Call.fields().add("content-type").add("application/json"), bytes);
            return;
        }
        ProxyResult proxy = new ProxyResult(map);
        call.reply(proxy.status(), proxy.fields("application/json"), proxy.body());
    }

    /** The error document goes to the log; the caller hears what a gateway says. */
    @Override
    void failed(Call call, Throwable error) throws Throwable {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("errorMessage", Texts.message(error));
        document.put("errorType", error.getClass().getName());
        document.put("stackTrace", Texts.stack(error).lines().map(String::strip).toList());
        call.log(3, 3, new String(json(document), StandardCharsets.UTF_8));
        if (call.headSent()) call.fail(error, 0);
        else call.reply(502, Call.fields().add("content-type").add("application/json"), "{\"message\":\"Internal Server Error\"}".getBytes(StandardCharsets.UTF_8));
    }
}
