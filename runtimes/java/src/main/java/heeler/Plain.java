package heeler;

import io.cloudevents.CloudEvent;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Functions of the JDK's own interfaces, and any method of one parameter or none: bytes, text, events, or JSON. */
final class Plain extends Style {
    private final Method method;
    private final Type argument;
    private final boolean lists;
    private final Values values;

    Plain(Class<?> type, String name) throws NotLoaded {
        super(name != null && isStatic(type, name) ? null : Load.construct(type));
        method = name == null ? ofInterface(type) : named(type, name);
        method.setAccessible(true);
        argument = method.getParameterCount() == 0 ? null : method.getGenericParameterTypes()[0];
        lists = argument instanceof ParameterizedType generic && generic.getRawType() == List.class && generic.getActualTypeArguments()[0] == CloudEvent.class;
        values = new Values(type.getClassLoader());
    }

    static boolean knows(Class<?> type) {
        return Stream.of(Function.class, Supplier.class, Consumer.class).anyMatch(one -> one.isAssignableFrom(type));
    }

    private static boolean isStatic(Class<?> type, String name) {
        return Arrays.stream(type.getMethods()).anyMatch(one -> one.getName().equals(name) && Modifier.isStatic(one.getModifiers()));
    }

    /** The method as the class has it; the compiler has added one of Object beside it. */
    private static Method ofInterface(Class<?> type) throws NotLoaded {
        String name = Function.class.isAssignableFrom(type) ? "apply" : Supplier.class.isAssignableFrom(type) ? "get" : "accept";
        int parameters = name.equals("get") ? 0 : 1;
        Method found = null;
        for (Method one : type.getMethods()) {
            if (one.getName().equals(name) && one.getParameterCount() == parameters && !one.isBridge()) found = one;
        }
        if (!knows(type) || found == null) throw new NotLoaded(type.getName() + " is no Function, Supplier or Consumer of java.util.function; say handler=" + type.getName() + "::method");
        if (parameters == 1 && found.getParameterTypes()[0] == Object.class) {
            throw new NotLoaded(type.getName() + " does not say what it takes: it has to name a type, such as byte[], String or CloudEvent");
        }
        return found;
    }

    private static Method named(Class<?> type, String name) throws NotLoaded {
        List<Method> found = Arrays.stream(type.getMethods()).filter(one -> one.getName().equals(name) && one.getParameterCount() <= 1 && !one.isBridge()).toList();
        if (found.size() == 1) return found.get(0);
        List<String> there = Arrays.stream(type.getMethods()).filter(one -> one.getDeclaringClass() != Object.class).map(Method::getName).distinct().sorted().toList();
        throw new NotLoaded(type.getName() + " has " + (found.isEmpty() ? "no" : "several") + " public methods " + name + " of one parameter or none; it has " + String.join(", ", there));
    }

    @Override
    void serve(Call call) throws Throwable {
        Object result;
        try {
            result = argument == null ? method.invoke(function) : method.invoke(function, argument(call));
        } catch (InvocationTargetException raised) {
            throw raised.getCause();
        }
        answer(call, result);
    }

    private Object argument(Call call) throws Exception {
        if (lists && call.head.kind == Head.BATCH) return List.copyOf(Batch.cut(call));
        if (lists || argument == CloudEvent.class) {
            if (call.head.kind == Head.BATCH) throw new Refused(415, "the function takes one event at a time: set batch=split");
            Event event = Background.event(call);
            if (event == null) throw new Refused(400, "the request is no event");
            return lists ? List.of(event) : event;
        }
        Batch.asRequest(call);
        if (argument == java.io.InputStream.class) return call.body;
        byte[] body = call.body.readAllBytes();
        if (argument == byte[].class) return body;
        String text = new String(body, StandardCharsets.UTF_8);
        if (argument == String.class) return text;
        try {
            return values.read(text, argument);
        } catch (RuntimeException wrong) {
            throw new Refused(400, "the request is not what the function takes", wrong);
        }
    }

    private void answer(Call call, Object result) throws Exception {
        if (result instanceof CloudEvent event) {
            reply(call, Event.of(event));
            return;
        }
        boolean batch = call.head.kind == Head.BATCH && result instanceof List<?> list && !list.isEmpty() && list.stream().allMatch(CloudEvent.class::isInstance);
        if (batch) {
            List<Event> events = ((List<?>) result).stream().map(one -> Event.of((CloudEvent) one)).toList();
            call.reply(200, type(Batch.TYPE), Batch.array(events).getBytes(StandardCharsets.UTF_8));
        } else if (result == null) {
            call.reply(200, Call.fields(), Frames.EMPTY);
        } else if (result instanceof byte[] bytes) {
            call.reply(200, type("application/octet-stream"), bytes);
        } else if (result instanceof CharSequence text) {
            call.reply(200, type("text/plain; charset=utf-8"), text.toString().getBytes(StandardCharsets.UTF_8));
        } else {
            call.reply(200, type("application/json"), values.write(result).getBytes(StandardCharsets.UTF_8));
        }
    }

    private static Fields type(String type) {
        return Call.fields().add("content-type").add(type);
    }

    /** heeler makes headers of the first pairs, which are the event's attributes. */
    static void reply(Call call, Event event) throws java.io.IOException {
        Fields fields = Call.fields();
        event.attributes.forEach((name, value) -> fields.utf8(name).utf8(value));
        call.replyEvent(200, fields, event.attributes.size(), event.data);
    }

    @Override
    void failed(Call call, Throwable error) throws Throwable {
        Background.refuse(call, error);
    }
}
