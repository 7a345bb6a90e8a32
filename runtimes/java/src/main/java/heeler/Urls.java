package heeler;

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

    /** Decoded but for what would change its meaning, and without `.` and `..`. */
    static String canonical(String path) {
        if (path.indexOf('%') < 0 && !path.contains("/.") && path.indexOf(';') < 0) return path;
        String kept = path.replaceAll(";[^/]*", "").replace("%25", "%2525").replaceAll("(?i)%2f", "%252F");
        return dots(decodedPath(kept));
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
