package heeler;

import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Lambda's Context and its logger, made of the interfaces that the function brings. */
final class LambdaContext {
    /** Lambda's longest; without a deadline there is always time. */
    private static final int LONGEST_MILLIS = 900_000;

    private final ClassLoader loader;
    private final Class<?> context;
    private final Object logger;
    private final Map<String, Object> about;

    LambdaContext(ClassLoader loader, Map<String, String> env) {
        this.loader = loader;
        context = find(loader, "Context");
        Class<?> logging = find(loader, "LambdaLogger");
        logger = logging == null ? null : Proxy.newProxyInstance(loader, new Class<?>[] {logging}, (self, method, values) -> {
            if (method.getName().equals("log")) System.out.println(values[0] instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : values[0]);
            return values == null ? plain(self, method.getName()) : null;
        });
        String name = first(env, "AWS_LAMBDA_FUNCTION_NAME", "HKS_FUNCTION_NAME", "K_SERVICE", "function");
        about = Map.of(
            "getFunctionName", name,
            "getFunctionVersion", first(env, "AWS_LAMBDA_FUNCTION_VERSION", "HKS_FUNCTION_VERSION", "$LATEST"),
            "getMemoryLimitInMB", Integer.valueOf(first(env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")),
            "getLogGroupName", first(env, "AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + name),
            "getLogStreamName", first(env, "AWS_LAMBDA_LOG_STREAM_NAME", "HOSTNAME", "local"),
            "getInvokedFunctionArn", "arn:aws:lambda:" + first(env, "AWS_REGION", "local") + ":000000000000:function:" + name);
    }

    static boolean is(Class<?> type) {
        return type.getName().equals(Lambda.RUNTIME + "Context");
    }

    private static Class<?> find(ClassLoader loader, String name) {
        try {
            return Class.forName(Lambda.RUNTIME + name, true, loader);
        } catch (ClassNotFoundException none) {
            return null;
        }
    }

    /** The first variable of these that is set; the last name is what there is without any. */
    private static String first(Map<String, String> env, String... names) {
        for (int at = 0; at < names.length - 1; at++) {
            if (!env.getOrDefault(names[at], "").isEmpty()) return env.get(names[at]);
        }
        return names[names.length - 1];
    }

    Object of(Call call) {
        if (context == null) return null;
        return Proxy.newProxyInstance(loader, new Class<?>[] {context}, (self, method, values) -> switch (method.getName()) {
            case "getAwsRequestId" -> call.head.callId();
            case "getRemainingTimeInMillis" -> (int) Math.min(Integer.MAX_VALUE, call.remainingMillis(LONGEST_MILLIS));
            case "getLogger" -> logger;
            case "equals" -> self == values[0];
            default -> about.containsKey(method.getName()) ? about.get(method.getName()) : plain(self, method.getName());
        });
    }

    private static Object plain(Object self, String method) {
        if (method.equals("toString")) return "heeler";
        return method.equals("hashCode") ? (Object) System.identityHashCode(self) : null;
    }
}
