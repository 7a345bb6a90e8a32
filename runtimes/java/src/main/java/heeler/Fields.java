package heeler;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Text fields as they go over the wire, each ended by one NUL, behind room for a frame's own head. */
final class Fields {
    private static final String MARKS = "!#$%&'*+-.^_`|~";
    private static final int ERROR_HEAD = 8;
    private static final int MOST_TOLD = 60_000;

    private byte[] bytes;
    private int length;
    private final int head;
    private int count;

    Fields(int head) {
        this.head = head;
        bytes = new byte[head + 116];
        length = head;
    }

    /** The payload of ERROR. A frame has room for so much of each text. */
    static Fields ofError(int kind, String type, String message, String stack) {
        Fields told = new Fields(ERROR_HEAD);
        for (String text : new String[] {type, message, stack}) told.add(Texts.cut(text, MOST_TOLD));
        told.bytes[0] = (byte) kind;
        return told;
    }

    /** Latin-1, as bytes of headers are. */
    Fields add(String text) {
        return add(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    Fields utf8(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    /** What HTTP does not allow is the failure of its call alone: heeler could make no answer of it. */
    Fields header(String name, String value) {
        String low = lower(name);
        if (!isToken(low)) throw new IllegalArgumentException("a header is named " + JsonWriter.plain(name) + ": HTTP allows letters, digits and " + MARKS);
        checkLine(low, value);
        return add(low).add(value);
    }

    private static boolean isToken(String name) {
        for (int at = 0; at < name.length(); at++) {
            char one = name.charAt(at);
            if ((one < 'a' || one > 'z') && (one < '0' || one > '9') && MARKS.indexOf(one) < 0) return false;
        }
        return !name.isEmpty();
    }

    /** What is wrong goes to the log without the value, which may be a secret. */
    private static void checkLine(String name, String value) {
        for (int at = 0; at < value.length(); at++) {
            char one = value.charAt(at);
            if (one < ' ' && one != '\t' || one == 127) {
                throw new IllegalArgumentException("the value of the header " + name + " has the character " + (int) one + " at place " + at + ": HTTP allows no control characters");
            }
        }
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
