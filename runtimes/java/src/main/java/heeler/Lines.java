package heeler;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** What one call prints, line by line, one row for each stream it prints to. */
final class Lines {
    private static final int LINE_BYTES = 64 * 1024;
    private static final int INFO = 1;

    private final Call call;
    private final ByteArrayOutputStream[] rests = new ByteArrayOutputStream[3];

    Lines(Call call) {
        this.call = call;
    }

    void print(int source, byte[] bytes, int from, int length) {
        ByteArrayOutputStream rest = rests[source];
        if (rest == null) rest = rests[source] = new ByteArrayOutputStream();
        int begin = from;
        for (int at = from; at < from + length; at++) {
            if (bytes[at] != '\n') continue;
            rest.write(bytes, begin, at - begin);
            begin = at + 1;
            say(source, rest);
        }
        rest.write(bytes, begin, from + length - begin);
        if (rest.size() > LINE_BYTES) say(source, rest);
    }

    private void say(int source, ByteArrayOutputStream rest) {
        String line = rest.toString(StandardCharsets.UTF_8);
        rest.reset();
        call.serving.log(call.id, INFO, source, line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
    }

    /** What was printed without an end of line goes out before the last frame. */
    void flush() {
        for (int source = 1; source < rests.length; source++) {
            if (rests[source] != null && rests[source].size() > 0) say(source, rests[source]);
        }
    }
}
