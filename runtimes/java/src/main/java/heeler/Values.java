package heeler;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;

/** JSON as objects of the function's own types: by Gson where the function brings it, else by the types' fields. */
final class Values {
    private final Object gson;
    private final Method from;
    private final Method to;

    Values(ClassLoader loader) {
        Object found = null;
        Method read = null;
        Method write = null;
        try {
            Class<?> type = Class.forName("com.google.gson.Gson", true, loader);
            read = type.getMethod("fromJson", String.class, Type.class);
            write = type.getMethod("toJson", Object.class);
            found = type.getConstructor().newInstance();
        } catch (ReflectiveOperationException | LinkageError none) {
            found = null;
        }
        gson = found;
        from = read;
        to = write;
    }

    /** Nothing at all is null, as Gson has it. */
    Object read(String text, Type type) throws ReflectiveOperationException {
        if (gson != null) return invoke(from, text, type);
        return text.isBlank() ? null : Binding.FIELDS.to(type, Json.parse(text));
    }

    String write(Object value) throws ReflectiveOperationException {
        return gson != null ? (String) invoke(to, value) : JsonWriter.write(value, Binding.FIELDS, false);
    }

    private Object invoke(Method method, Object... values) throws ReflectiveOperationException {
        try {
            return method.invoke(gson, values);
        } catch (InvocationTargetException raised) {
            throw new IllegalArgumentException(raised.getCause());
        }
    }
}
