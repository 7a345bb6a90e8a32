package heeler;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** The head of a CALL, where it lies: fields become text when somebody asks. */
final class Head {
    private static final int FIXED_BYTES = 20;
    private static final int FIXED_FIELDS = 6;
    static final int REQUEST = 0;
    static final int EVENT = 1;
    static final int BATCH = 2;

    final int kind;
    final int httpVersion;
    /** Of a batch: how many events it has. */
    final int events;
    final long deadlineMillis;
    /** -1 if it is unknown. */
    final long bodyLength;
    final int bodyAt;

    private final byte[] bytes;
    private final int[] starts;
    private final int fields;
    private final int attributes;

    Head(byte[] bytes) {
        if (bytes.length < FIXED_BYTES) throw new Broken("a call of " + bytes.length + " bytes, its head alone has " + FIXED_BYTES);
        this.bytes = bytes;
        kind = bytes[0];
        httpVersion = bytes[1];
        if (kind < REQUEST || kind > BATCH) throw new Broken("a call of kind " + (kind & 0xff));
        int count = Frames.u16(bytes, 2);
        long end = FIXED_BYTES + Frames.u32(bytes, 4);
        if (end > bytes.length) throw new Broken("a call whose fields go past its frame");
        bodyAt = (int) end;
        deadlineMillis = Frames.u32(bytes, 8);
        bodyLength = Frames.u32(bytes, 12) << 32 | Frames.u32(bytes, 16);
        events = kind == BATCH ? count : 0;
        attributes = kind == EVENT ? count : 0;
        int[] found = new int[48];
        int at = cut(bytes, FIXED_BYTES, bodyAt, found);
        starts = at < 0 ? new int[-at] : found;
        fields = Math.abs(at) - 1;
        if (at < 0) cut(bytes, FIXED_BYTES, bodyAt, starts);
        if (fields % 2 != 0 || fields < FIXED_FIELDS + 2 * attributes) throw new Broken("a call with " + fields + " fields");
    }

    /** A request of these fields and a body of this length, in place of this head. */
    Head remade(Fields fields, long length) {
        byte[] made = Arrays.copyOf(fields.bytes(), fields.length());
        made[0] = REQUEST;
        made[1] = (byte) httpVersion;
        Frames.put32(made, 4, fields.size());
        Frames.put32(made, 8, (int) deadlineMillis);
        Frames.put32(made, 12, (int) (length >>> 32));
        Frames.put32(made, 16, (int) length);
        return new Head(made);
    }

    /** Where each field begins, and where the last one ends; the number of these, negative if they did not fit. */
    static int cut(byte[] bytes, int from, int to, int[] starts) {
        if (to > from && bytes[to - 1] != 0) throw new Broken("a field does not end with NUL");
        int count = 0;
        if (starts.length > 0) starts[0] = from;
        for (int at = from; at < to; at++) {
            if (bytes[at] == 0 && ++count < starts.length) starts[count] = at + 1;
        }
        return count < starts.length ? count + 1 : -(count + 1);
    }

    private String field(int number) {
        return new String(bytes, starts[number], starts[number + 1] - 1 - starts[number], StandardCharsets.ISO_8859_1);
    }

    private String utf8(int number) {
        return new String(bytes, starts[number], starts[number + 1] - 1 - starts[number], StandardCharsets.UTF_8);
    }

    String method() {
        return field(0);
    }

    String path() {
        return field(1);
    }

    String query() {
        return field(2);
    }

    String scheme() {
        return field(3);
    }

    String remote() {
        return field(4);
    }

    String callId() {
        return field(5);
    }

    boolean isEvent() {
        return kind == EVENT;
    }

    private int headersFrom() {
        return FIXED_FIELDS + 2 * attributes;
    }

    int headers() {
        return (fields - headersFrom()) / 2;
    }

    String name(int header) {
        return field(headersFrom() + 2 * header);
    }

    String value(int header) {
        return field(headersFrom() + 2 * header + 1);
    }

    /** The first header of that name, which is in lower case, or null. */
    String header(String name) {
        byte[] wanted = name.getBytes(StandardCharsets.ISO_8859_1);
        for (int at = headersFrom(); at < fields; at += 2) {
            if (Arrays.equals(bytes, starts[at], starts[at + 1] - 1, wanted, 0, wanted.length)) return field(at + 1);
        }
        return null;
    }

    /** The decoded attributes of an event. */
    Map<String, String> attributes() {
        Map<String, String> found = new LinkedHashMap<>();
        for (int at = FIXED_FIELDS; at < headersFrom(); at += 2) found.put(field(at), utf8(at + 1));
        return found;
    }
}
