package heeler;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON: maps, lists, texts, truth values, null, and numbers as they are written. */
final class Json {
    private static final int DEEPEST = 500;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** A text that is not JSON. */
    static final class Invalid extends RuntimeException {
        private static final long serialVersionUID = 1;

        Invalid(String message) {
            super(message);
        }
    }

    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.blanks();
        if (json.at < text.length()) throw json.invalid("something behind the value");
        return value;
    }

    private Invalid invalid(String what) {
        return new Invalid("not JSON: " + what + " at character " + at);
    }

    private Object value() {
        blanks();
        switch (peek()) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private char peek() {
        if (at >= text.length()) throw invalid("it ends early,");
        return text.charAt(at);
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
    }

    private boolean skip(char wanted) {
        blanks();
        if (peek() != wanted) return false;
        at++;
        return true;
    }

    private void expect(char wanted) {
        if (!skip(wanted)) throw invalid("no " + wanted);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw invalid("an unknown word");
        at += word.length();
        return value;
    }

    private Map<String, Object> object() {
        Map<String, Object> found = new LinkedHashMap<>();
        deeper();
        if (!skip('}')) {
            do {
                blanks();
                if (peek() != '"') throw invalid("no name");
                String name = string();
                expect(':');
                found.put(name, value());
            } while (skip(','));
            expect('}');
        }
        depth--;
        return found;
    }

    private List<Object> array() {
        List<Object> found = new ArrayList<>();
        deeper();
        if (!skip(']')) {
            do found.add(value());
            while (skip(','));
            expect(']');
        }
        depth--;
        return found;
    }

    private void deeper() {
        at++;
        if (++depth > DEEPEST) throw invalid("more than " + DEEPEST + " levels");
    }

    private String string() {
        int end = ++at;
        while (end < text.length() && text.charAt(end) != '"' && text.charAt(end) != '\\') {
            if (text.charAt(end) < ' ') throw invalid("a control character in a text");
            end++;
        }
        if (end < text.length() && text.charAt(end) == '"') {
            String plain = text.substring(at, end);
            at = end + 1;
            return plain;
        }
        return escaped();
    }

    private String escaped() {
        StringBuilder found = new StringBuilder();
        for (char one = peek(); one != '"'; one = peek()) {
            if (one < ' ') throw invalid("a control character in a text");
            at++;
            found.append(one == '\\' ? escape() : one);
        }
        at++;
        return found.toString();
    }

    private char escape() {
        char one = peek();
        at++;
        switch (one) {
            case '"', '\\', '/':
                return one;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                return unicode();
            default:
                throw invalid("an unknown escape");
        }
    }

    private char unicode() {
        int code = 0;
        for (int left = 4; left > 0; left--) {
            int digit = Character.digit(peek(), 16);
            if (digit < 0) throw invalid("an escape of other than four digits");
            code = 16 * code + digit;
            at++;
        }
        return (char) code;
    }

    private Num number() {
        int from = at;
        if (peek() == '-') at++;
        if (peek() == '0') at++;
        else digits();
        if (at < text.length() && text.charAt(at) == '.') {
            at++;
            digits();
        }
        if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
            at++;
            if (peek() == '+' || peek() == '-') at++;
            digits();
        }
        return new Num(text.substring(from, at));
    }

    private void digits() {
        int from = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') at++;
        if (at == from) throw invalid("no value");
    }
}
