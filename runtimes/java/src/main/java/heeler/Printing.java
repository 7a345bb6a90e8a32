package heeler;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What a call prints goes to heeler with the call's number, so that its line in the log has the call's id. What is printed
 * outside of a call goes to the real stream as ever.
 */
final class Printing extends OutputStream {
    private final int source;
    private final FileOutputStream real;

    private Printing(int source, FileDescriptor descriptor) {
        this.source = source;
        real = new FileOutputStream(descriptor);
    }

    static void capture() {
        System.setOut(new PrintStream(new Printing(1, FileDescriptor.out), false, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new Printing(2, FileDescriptor.err), false, StandardCharsets.UTF_8));
    }

    @Override
    public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        Call call = Runner.current();
        if (call == null || call.serving.link.crowded()) {
            real.write(bytes, from, length);
            return;
        }
        synchronized (call) {
            if (!call.over()) {
                if (call.lines == null) call.lines = new Lines(call);
                call.lines.print(source, bytes, from, length);
                return;
            }
        }
        real.write(bytes, from, length);
    }
}
