package heeler;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Kubeless: `String f(Event, Context)` in the package io.kubeless, whose classes may be the function's own copies. */
final class Kubeless extends Style {
    private final Method method;
    private final Constructor<?> event;
    private final Object context;

    Kubeless(Class<?> type, String name, Map<String, String> env) throws NotLoaded {
        super(Load.construct(type));
        try {
            ClassLoader loader = type.getClassLoader();
            Class<?> events = Class.forName("io.kubeless.Event", true, loader);
            Class<?> contexts = Class.forName("io.kubeless.Context", true, loader);
            event = constructor(events, 5);
            context = constructor(contexts, 4).newInstance(env.getOrDefault("FUNC_HANDLER", name), env.getOrDefault("FUNC_TIMEOUT", "180"),
                env.getOrDefault("FUNC_RUNTIME", ""), env.getOrDefault("FUNC_MEMORY_LIMIT", ""));
            method = type.getMethod(name == null ? env.getOrDefault("FUNC_HANDLER", "handler") : name, events, contexts);
            method.setAccessible(true);
        } catch (ReflectiveOperationException missing) {
            throw new NotLoaded(type.getName() + " does not have the form of a Kubeless function: " + missing, missing);
        }
    }

    private static Constructor<?> constructor(Class<?> type, int parameters) throws NoSuchMethodException {
        Class<?>[] texts = new Class<?>[parameters];
        java.util.Arrays.fill(texts, String.class);
        Constructor<?> found = type.getDeclaredConstructor(texts);
        found.setAccessible(true);
        return found;
    }

    /** Its functions may count on being alone. */
    @Override
    int concurrency() {
        return 1;
    }

    @Override
    void serve(Call call) throws Throwable {
        Map<String, String> told = call.head.isEvent() ? call.head.attributes() : Map.of();
        boolean isEvent = call.head.isEvent();
        if (call.head.kind == Head.BATCH) Batch.asRequest(call);
        String data = new String(call.body.readAllBytes(), StandardCharsets.UTF_8);
        Object made = event.newInstance(data, isEvent ? told.get("id") : header(call, "event-id"), isEvent ? told.get("type") : header(call, "event-type"),
            isEvent ? told.getOrDefault("time", "") : header(call, "event-time"), isEvent ? told.get("source") : header(call, "event-namespace"));
        Object result;
        try {
            result = method.invoke(function, made, context);
        } catch (InvocationTargetException raised) {
            throw raised.getCause();
        }
        call.reply(200, Call.fields(), result == null ? Frames.EMPTY : result.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static String header(Call call, String name) {
        String value = call.head.header(name);
        return value == null ? "" : value;
    }
}
