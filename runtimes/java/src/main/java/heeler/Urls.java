package heeler;

import java.io.ByteArrayOutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Paths and queries as values. */
final class Urls {
    /** What stays an escape in a path. */
    private static final String KEPT = " \"#%/;<>?[\\]^`{|}";

    private Urls() {}

    /** All values of each name, in their order. */
    static Map<String, List<String>> query(String query) {
        Map<String, List<String>> found = new LinkedHashMap<>();
        for (String pair : query.isEmpty() ? new String[0] : query.split("&")) {
            if (pair.isEmpty()) continue;
            int equals = pair.indexOf('=');
            String name = decoded(equals < 0 ? pair : pair.substring(0, equals));
            found.computeIfAbsent(name, key -> new ArrayList<>(1)).add(equals < 0 ? "" : decoded(pair.substring(equals + 1)));
        }
        return found;
    }

    /** Of a form: `+` is a space. What is no escape stays as it is. */
    static String decoded(String text) {
        if (text.indexOf('%') < 0 && text.indexOf('+') < 0) return text;
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException broken) {
            return text;
        }
    }

    static String decodedPath(String path) {
        return path.indexOf('%') < 0 ? path : decoded(path.replace("+", "%2B"));
    }

    /** Decoded but for what would change its meaning, without parameters, and without `.` and `..`. */
    static String canonical(String path) {
        if (path.indexOf('%') < 0 && !path.contains("/.") && path.indexOf(';') < 0) return path;
        String plain = path.indexOf(';') < 0 ? path : path.replaceAll(";[^/]*", "");
        String decoded = Texts.strict(unescaped(plain));
        return dots(decoded == null ? plain : decoded);
    }

    private static byte[] unescaped(String path) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int at = 0; at < path.length(); at++) {
            int escaped = path.charAt(at) == '%' ? escape(path, at + 1) : -1;
            if (escaped < 0) {
                out.write(path.charAt(at));
                continue;
            }
            if (escaped < ' ' || escaped == 0x7f || KEPT.indexOf(escaped) >= 0) out.writeBytes(String.format("%%%02X", escaped).getBytes(StandardCharsets.US_ASCII));
            else out.write(escaped);
            at += 2;
        }
        return out.toByteArray();
    }

    /** The byte that two digits are, or -1. */
    private static int escape(String path, int at) {
        if (at + 2 > path.length()) return -1;
        int high = Character.digit(path.charAt(at), 16);
        int low = Character.digit(path.charAt(at + 1), 16);
        return high < 0 || low < 0 ? -1 : 16 * high + low;
    }

    private static String dots(String path) {
        if (!path.contains("/.")) return path;
        Deque<String> parts = new ArrayDeque<>();
        String[] all = path.split("/", -1);
        for (int at = 1; at < all.length; at++) {
            boolean last = at == all.length - 1;
            switch (all[at]) {
                case "." -> { if (last) parts.addLast(""); }
                case ".." -> {
                    parts.pollLast();
                    if (last) parts.addLast("");
                }
                default -> parts.addLast(all[at]);
            }
        }
        return "/" + String.join("/", parts);
    }
}
