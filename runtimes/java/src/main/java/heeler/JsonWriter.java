package heeler;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.Optional;

/** Writes values as JSON: maps, lists, texts, numbers, and the fields of anything else. */
final class JsonWriter {
    private static final int DEEPEST = 500;

    private final StringBuilder out = new StringBuilder();
    private final Binding binding;
    private final boolean nulls;
    private int depth;

    private JsonWriter(Binding binding, boolean nulls) {
        this.binding = binding;
        this.nulls = nulls;
    }

    static String write(Object value, Binding binding, boolean nulls) {
        JsonWriter writer = new JsonWriter(binding, nulls);
        writer.value(value);
        return writer.out.toString();
    }

    /** What was read, as it was. */
    static String plain(Object value) {
        return write(value, Binding.FIELDS, true);
    }

    private void value(Object value) {
        if (++depth > DEEPEST) throw new IllegalArgumentException("a value of more than " + DEEPEST + " levels, or one that holds itself");
        if (value == null) out.append("null");
        else if (value instanceof CharSequence || value instanceof Character) text(value.toString());
        else if (value instanceof Enum<?> one) text(one.name());
        else if (value instanceof Number number) number(number);
        else if (value instanceof Boolean) out.append(value);
        else if (value instanceof Map<?, ?> map) map(map);
        else if (value instanceof Iterable<?> list) list(list);
        else if (value instanceof Optional<?> maybe) value(maybe.orElse(null));
        else if (value.getClass().isArray()) array(value);
        else object(value);
        depth--;
    }

    private void number(Number number) {
        double value = number instanceof Double || number instanceof Float ? number.doubleValue() : 0;
        if (Double.isNaN(value) || Double.isInfinite(value)) throw new IllegalArgumentException(number + " is no number of JSON");
        out.append(number);
    }

    private void map(Map<?, ?> map) {
        out.append('{');
        int from = out.length();
        map.forEach((name, value) -> member(from, String.valueOf(name), value));
        out.append('}');
    }

    private void member(int from, String name, Object value) {
        if (value == null && !nulls) return;
        if (out.length() > from) out.append(',');
        text(name);
        out.append(':');
        value(value);
    }

    private void list(Iterable<?> list) {
        out.append('[');
        int from = out.length();
        for (Object one : list) {
            if (out.length() > from) out.append(',');
            value(one);
        }
        out.append(']');
    }

    private void array(Object array) {
        out.append('[');
        for (int at = 0; at < Array.getLength(array); at++) {
            if (at > 0) out.append(',');
            value(Array.get(array, at));
        }
        out.append(']');
    }

    private void object(Object value) {
        out.append('{');
        int from = out.length();
        for (Map.Entry<String, Field> field : binding.fields(value.getClass()).entrySet()) {
            try {
                member(from, field.getKey(), field.getValue().get(value));
            } catch (IllegalAccessException closed) {
                throw new IllegalArgumentException(closed);
            }
        }
        out.append('}');
    }

    /** What HTML would read is escaped, too, as the functions framework has it. */
    private void text(String text) {
        out.append('"');
        for (int at = 0; at < text.length(); at++) {
            char one = text.charAt(at);
            switch (one) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    boolean html = binding == Binding.FIELDS && "<>&='".indexOf(one) >= 0;
                    if (one < ' ' || html || one == '\u2028' || one == '\u2029') out.append(String.format("\\u%04x", (int) one));
                    else out.append(one);
                }
            }
        }
        out.append('"');
    }
}
