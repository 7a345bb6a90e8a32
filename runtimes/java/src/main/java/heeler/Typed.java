package heeler;

import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import com.google.cloud.functions.TypedFunction;
import com.google.cloud.functions.TypedFunction.WireFormat;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.reflect.Method;
import java.lang.reflect.Type;

/** functions-framework: `apply(T)` of JSON, or of whatever format the function has of its own. */
final class Typed extends Style {
    private final TypedFunction<Object, Object> typed;
    private final WireFormat format;
    private final Type argument;

    @SuppressWarnings("unchecked")
    Typed(Class<?> type) throws NotLoaded {
        super(Load.construct(type));
        typed = (TypedFunction<Object, Object>) function;
        argument = argument(type, "apply", 1);
        WireFormat own = typed.getWireFormat();
        format = own == null ? new JsonFormat(new Values(type.getClassLoader())) : own;
    }

    /** The type that the class gives its first parameter; the compiler has added a method of Object beside it. */
    static Type argument(Class<?> type, String name, int parameters) throws NotLoaded {
        for (Method method : type.getMethods()) {
            if (!method.getName().equals(name) || method.getParameterCount() != parameters || method.isBridge()) continue;
            if (method.getParameterTypes()[0] != Object.class) return method.getGenericParameterTypes()[0];
        }
        throw new NotLoaded(type.getName() + " does not say what its " + name + " takes: it has to name a type, and not Object");
    }

    @Override
    void serve(Call call) throws Exception {
        Batch.asRequest(call);
        if (Http.unwanted(call)) return;
        Response response = new Response(call);
        Object given;
        try {
            given = format.deserialize(new Request(call), argument);
        } catch (Exception broken) {
            throw new Refused(400, "the request is not what the function takes", broken);
        }
        Object result = typed.apply(given);
        format.serialize(result, response);
        response.close();
    }

    @Override
    void failed(Call call, Throwable error) throws Throwable {
        Background.refuse(call, error);
    }

    private record JsonFormat(Values values) implements WireFormat {
        @Override
        public Object deserialize(HttpRequest request, Type type) throws Exception {
            StringWriter text = new StringWriter();
            request.getReader().transferTo(text);
            return values.read(text.toString(), type);
        }

        @Override
        public void serialize(Object value, HttpResponse response) throws Exception {
            if (value == null) {
                response.setStatusCode(204);
                return;
            }
            try (Writer out = response.getWriter()) {
                out.write(values.write(value));
            }
        }
    }
}
