package heeler;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Text fields as they go over the wire, each ended by one NUL, behind room for a frame's own head. */
final class Fields {
    private byte[] bytes;
    private int length;
    private final int head;
    private int count;

    Fields(int head) {
        this.head = head;
        bytes = new byte[head + 116];
        length = head;
    }

    /** Latin-1, as bytes of headers are. */
    Fields add(String text) {
        return add(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    Fields utf8(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    Fields header(String name, String value) {
        return add(lower(name)).add(value);
    }

    private Fields add(byte[] text) {
        if (bytes.length < length + text.length + 1) bytes = Arrays.copyOf(bytes, 2 * (length + text.length + 1));
        for (byte one : text) {
            // No field may hold a NUL: it would end there and shift all that follow.
            bytes[length++] = one == 0 ? (byte) '?' : one;
        }
        bytes[length++] = 0;
        count++;
        return this;
    }

    byte[] bytes() {
        return bytes;
    }

    int length() {
        return length;
    }

    int count() {
        return count;
    }

    /** The fields' own bytes, without the head's. */
    int size() {
        return length - head;
    }

    static String lower(String name) {
        for (int at = 0; at < name.length(); at++) {
            char one = name.charAt(at);
            if (one >= 'A' && one <= 'Z') return name.toLowerCase(java.util.Locale.ROOT);
        }
        return name;
    }
}
