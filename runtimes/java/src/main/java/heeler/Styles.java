package heeler;

import com.google.cloud.functions.BackgroundFunction;
import com.google.cloud.functions.CloudEventsFunction;
import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.RawBackgroundFunction;
import com.google.cloud.functions.TypedFunction;
import java.util.Map;
import java.util.stream.Stream;

/** Which style a class is of, and that style for it. */
final class Styles {
    private static final String LAMBDA = "com.amazonaws.services.lambda.runtime.";

    private Styles() {}

    static String of(Class<?> type, String method) throws NotLoaded {
        if (Stream.of(HttpFunction.class, TypedFunction.class, CloudEventsFunction.class, BackgroundFunction.class, RawBackgroundFunction.class)
            .anyMatch(one -> one.isAssignableFrom(type))) return "http";
        if (is(type, LAMBDA + "RequestHandler") || is(type, LAMBDA + "RequestStreamHandler")) return "lambda";
        if (is(type, "com.openfaas.model.IHandler")) return "openfaas";
        if (Plain.knows(type)) return "function";
        if (type.getPackageName().equals("io.kubeless")) return "kubeless";
        if (method != null) return "function";
        throw new NotLoaded(type.getName() + " is no function of a style that is known here (" + String.join(", ", Load.STYLES)
            + "): it implements " + (type.getInterfaces().length == 0 ? "nothing" : Stream.of(type.getInterfaces()).map(Class::getName).toList()));
    }

    /** By name: these classes are the function's own. */
    static boolean is(Class<?> type, String name) {
        for (Class<?> at = type; at != null; at = at.getSuperclass()) {
            if (at.getName().equals(name)) return true;
            for (Class<?> one : at.getInterfaces()) if (is(one, name)) return true;
        }
        return false;
    }

    static Style make(String name, Class<?> type, String method, Map<String, String> env) throws NotLoaded {
        return switch (name) {
            case "http" -> framework(type, env.getOrDefault("FUNCTION_SIGNATURE_TYPE", ""));
            case "lambda" -> new Lambda(type, method, env);
            case "kubeless" -> new Kubeless(type, method, env);
            case "openfaas" -> new OpenFaas(type);
            default -> new Plain(type, method);
        };
    }

    private static Style framework(Class<?> type, String signature) throws NotLoaded {
        boolean events = BackgroundFunction.class.isAssignableFrom(type) || RawBackgroundFunction.class.isAssignableFrom(type)
            || CloudEventsFunction.class.isAssignableFrom(type);
        switch (signature) {
            case "" -> { }
            case "http" -> {
                if (!HttpFunction.class.isAssignableFrom(type) && !TypedFunction.class.isAssignableFrom(type)) throw misfit(type, signature, "HttpFunction");
                events = false;
            }
            case "typed" -> {
                if (!TypedFunction.class.isAssignableFrom(type)) throw misfit(type, signature, "TypedFunction");
                return new Typed(type);
            }
            case "event", "cloudevent" -> {
                if (!events) throw misfit(type, signature, "BackgroundFunction, RawBackgroundFunction, CloudEventsFunction");
                return new Background(type);
            }
            default -> throw new NotLoaded("FUNCTION_SIGNATURE_TYPE=" + signature + " is not known; known are http, event, cloudevent, typed");
        }
        if (TypedFunction.class.isAssignableFrom(type) && (!signature.isEmpty() || !HttpFunction.class.isAssignableFrom(type))) return new Typed(type);
        if (HttpFunction.class.isAssignableFrom(type)) return new Http(type);
        if (events) return new Background(type);
        throw misfit(type, "http", "HttpFunction, TypedFunction, CloudEventsFunction, BackgroundFunction, RawBackgroundFunction");
    }

    private static NotLoaded misfit(Class<?> type, String signature, String wanted) {
        return new NotLoaded(type.getName() + " does not fit the signature " + signature + ", which takes an implementation of " + wanted);
    }
}
