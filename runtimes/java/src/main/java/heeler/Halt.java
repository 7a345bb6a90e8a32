package heeler;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The end of a worker that cannot go on: one line, and code 70. A worker that has lost the thread that reads would be up
 * and deaf. All that it needs is made before the memory is full.
 */
final class Halt implements Thread.UncaughtExceptionHandler {
    static final Halt HALT = new Halt();
    private static final int CODE = 70;
    private static final byte[] FULL = line("out of memory");
    /** Not System.err: what a call prints there waits for the socket. */
    private static final FileOutputStream ERRORS = new FileOutputStream(FileDescriptor.err);

    /** Given back for the last steps: even to halt takes some. */
    static volatile byte[] reserve = new byte[256 * 1024];

    static {
        // This loads the class by which the JVM halts, which takes memory too.
        Runtime.getRuntime().removeShutdownHook(new Thread());
    }

    private Halt() {}

    static void because(Throwable error) {
        reserve = null;
        try {
            byte[] why = FULL;
            try {
                why = line(error instanceof Broken broken ? "heeler sent " + broken.getMessage() : "cannot go on: " + error);
            } catch (Throwable full) {
                // Then it is the line that is there.
            }
            ERRORS.write(why);
        } catch (IOException closed) {
            // Nobody hears it.
        } finally {
            Runtime.getRuntime().halt(CODE);
        }
    }

    private static byte[] line(String why) {
        return ("heeler java worker: " + why.replace('\n', ' ') + "\n").getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void uncaughtException(Thread thread, Throwable error) {
        because(error);
    }
}
