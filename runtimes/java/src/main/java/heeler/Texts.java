package heeler;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;

/** Small readings of content types, bytes as text, and errors. */
final class Texts {
    private static final Set<String> TEXTS = Set.of(
        "application/xml", "application/javascript", "application/x-www-form-urlencoded", "application/yaml");

    private Texts() {}

    /** A content type without its parameters, in lower case; empty where there is none. */
    static String type(String given) {
        if (given == null) return "";
        int end = given.indexOf(';');
        return (end < 0 ? given : given.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    }

    /** A parameter of a header such as `text/plain; charset=utf-8`, or null. */
    static String parameter(String given, String name) {
        int at = given == null ? -1 : given.indexOf(';');
        while (at >= 0) {
            int equals = given.indexOf('=', at);
            if (equals < 0) return null;
            String found = given.substring(at + 1, equals).strip();
            int from = equals + 1;
            boolean quoted = from < given.length() && given.charAt(from) == '"';
            int end = quoted ? given.indexOf('"', from + 1) : given.indexOf(';', from);
            if (end < 0) end = given.length();
            if (found.equalsIgnoreCase(name)) return given.substring(quoted ? from + 1 : from, end).strip();
            at = given.indexOf(';', end);
        }
        return null;
    }

    /** The charset that a content type names, or null for none, or for one that Java has not. */
    static Charset charset(String contentType) {
        String named = parameter(contentType, "charset");
        try {
            return named == null ? null : Charset.forName(named);
        } catch (IllegalArgumentException unknown) {
            return null;
        }
    }

    static boolean isJson(String type) {
        return type.endsWith("/json") || type.endsWith("+json");
    }

    static boolean isText(String type) {
        return type.startsWith("text/") || isJson(type) || type.endsWith("+xml") || TEXTS.contains(type);
    }

    /** UTF-8 as text, or null. */
    static String strict(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException none) {
            return null;
        }
    }

    static String message(Throwable error) {
        try {
            return error.getMessage() == null ? "" : error.getMessage();
        } catch (RuntimeException broken) {
            return "an error that cannot be shown";
        }
    }

    static String stack(Throwable error) {
        StringWriter text = new StringWriter();
        try {
            error.printStackTrace(new PrintWriter(text, true));
        } catch (RuntimeException broken) {
            return error.getClass().getName();
        }
        return text.toString();
    }

    /** So much of a text as fits into that many bytes of UTF-8. */
    static byte[] cut(String text, int most) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int end = Math.min(most, bytes.length);
        while (end < bytes.length && (bytes[end] & 0xc0) == 0x80) end--;
        return Arrays.copyOf(bytes, end);
    }
}
