package heeler;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channel;
import java.nio.channels.SocketChannel;
import java.util.LinkedHashMap;
import java.util.Map;

/** A warm worker of heeler for functions in Java. Five steps: connect, load, hello, serve, bye. */
public final class Main {
    private static final int NOT_LOADED_EXIT = 1;
    private static final int MIN_WINDOW = 65_536;
    private static final int HELLO_HEAD = 12;

    private Main() {}

    /** @param args the function's jar, or a folder of classes; or --warm-up, which makes what the class archive is made of */
    public static void main(String[] args) throws IOException {
        if (args.length == 1 && args[0].equals("--warm-up")) {
            WarmUp.run();
            return;
        }
        SocketChannel socket = connect();
        serve(socket, args.length > 0 ? args[0] : null);
    }

    /** The socket is descriptor 0: Java can take over no other. */
    private static SocketChannel connect() throws IOException {
        Channel inherited = "0".equals(System.getenv("HEELER_FD")) ? System.inheritedChannel() : null;
        if (!(inherited instanceof SocketChannel socket)) {
            System.err.println("heeler java worker: HEELER_FD=0 and a socket at descriptor 0 are needed; heeler starts this program, nobody else");
            Runtime.getRuntime().halt(70);
            throw new IllegalStateException();
        }
        socket.configureBlocking(true);
        // Java has a copy of the descriptor. Closing this one puts the null device there, and what the function starts does
        // not hold the socket.
        new FileInputStream(FileDescriptor.in).close();
        System.setIn(InputStream.nullInputStream());
        return socket;
    }

    static void serve(SocketChannel socket, String file) {
        Runners runners = new Runners();
        Link link = new Link(socket, runners);
        runners.execute(() -> greet(link, runners, file));
        // The threads that serve are daemons: this one keeps the process.
        new Thread(Main::rest, "heeler rest").start();
    }

    private static void rest() {
        for (;;) {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException harmless) {
                // A function may interrupt any thread it finds.
            }
        }
    }

    private static void greet(Link link, Runners runners, String file) {
        while (!link.next()) if (!link.fill()) System.exit(0);
        if (link.type != Frames.HELLO || link.stream != 0) throw new Broken("a frame of type " + link.type + " before its time");
        Serving serving = hello(link, runners);
        load(serving, pairs(link.payload), file);
    }

    private static Serving hello(Link link, Runners runners) {
        byte[] hello = link.payload;
        if (hello.length < HELLO_HEAD) throw new Broken("a HELLO of " + hello.length + " bytes");
        int version = Frames.u16(hello, 0);
        if (version < Frames.VERSION) throw new Broken("HELLO with version " + version);
        long window = Frames.u32(hello, 4);
        if (window < MIN_WINDOW || window > Integer.MAX_VALUE) throw new Broken("a window of " + window + " bytes, at least " + MIN_WINDOW + " are needed");
        Serving serving = new Serving(link, runners, (int) window);
        serving.concurrency = (int) Math.min(Frames.u32(hello, 8), Integer.MAX_VALUE);
        pairs(hello);
        return serving;
    }

    private static Map<String, String> pairs(byte[] hello) {
        Map<String, String> found = new LinkedHashMap<>();
        int[] starts = new int[hello.length + 1];
        int count = Head.cut(hello, HELLO_HEAD, hello.length, starts) - 1;
        if (count % 2 != 0) throw new Broken(count + " fields where pairs are expected");
        for (int at = 0; at < count; at += 2) found.put(text(hello, starts, at), text(hello, starts, at + 1));
        return found;
    }

    private static String text(byte[] bytes, int[] starts, int at) {
        return new String(bytes, starts[at], starts[at + 1] - 1 - starts[at], java.nio.charset.StandardCharsets.UTF_8);
    }

    private static void load(Serving serving, Map<String, String> settings, String file) {
        Printing.capture();
        Load load = new Load(settings, System.getenv(), file);
        try {
            load.style(serving);
        } catch (Throwable error) {
            notLoaded(serving.link, error);
            return;
        }
        if (serving.concurrency == 0) serving.concurrency = Places.within(serving.style.concurrency());
        Fields about = new Fields(HELLO_HEAD);
        load.about().forEach((name, value) -> about.utf8(name).utf8(value));
        byte[] head = about.bytes();
        head[1] = Frames.VERSION;
        Frames.put32(head, 4, Body.WINDOW_BYTES);
        Frames.put32(head, 8, serving.concurrency);
        serving.link.send(Frames.HELLO, false, 0, head, about.length(), Frames.EMPTY, 0, 0);
        serving.link.flush();
        serving.seat.open();
    }

    /** heeler's log tells it, stack and all. */
    private static void notLoaded(Link link, Throwable error) {
        boolean ours = error instanceof NotLoaded;
        Throwable cause = ours && error.getCause() != null ? error.getCause() : error;
        String stack = ours && error.getCause() == null ? "" : Texts.stack(cause);
        Fields told = Fields.ofError(Frames.NOT_LOADED, cause.getClass().getSimpleName(), Texts.message(error), stack);
        link.send(Frames.ERROR, true, 0, told.bytes(), told.length(), Frames.EMPTY, 0, 0);
        link.drain();
        System.exit(NOT_LOADED_EXIT);
    }
}
