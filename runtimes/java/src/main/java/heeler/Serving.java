package heeler;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/** All calls that are open: frames of heeler go to their call, and the function is run for each new one. */
final class Serving {
    private static final int LARGEST_STREAM = Integer.MAX_VALUE;
    /** Waking another thread costs about as much: a function that takes longer is run by one of its own. */
    private static final long QUICK_NANOS = 40_000;
    /** What a call counts for at most: one that met a busy machine says little of the next. */
    private static final long SLOW_NANOS = 4 * QUICK_NANOS;

    final Link link;
    final Runners runners;
    final Seat seat;
    final int peerWindow;
    Style style;
    ClassLoader loader;
    int concurrency;

    private final Map<Integer, Call> open = new ConcurrentHashMap<>();
    private int newest;
    private boolean wrapped;
    private volatile boolean leaving;
    private final AtomicBoolean finished = new AtomicBoolean();
    /** What a call took of late. At first it is slow: nothing is compiled yet. */
    private long average = SLOW_NANOS;

    Serving(Link link, Runners runners, int peerWindow) {
        this.link = link;
        this.runners = runners;
        this.peerWindow = peerWindow;
        seat = new Seat(() -> runners.execute(this::lead));
    }

    /** Reads frames until the socket ends or another thread has taken over. */
    private void lead() {
        Runner me = (Runner) Thread.currentThread();
        me.reset(loader);
        for (;;) {
            if (!link.next()) {
                link.flush();
                // Without heeler there is nothing to do, and nobody to tell.
                if (!link.fill()) System.exit(0);
                continue;
            }
            Call call = frame();
            if (call != null && !start(me, call)) return;
        }
    }

    /** False if the right to read was lost meanwhile. */
    private boolean start(Runner me, Call call) {
        if (average > QUICK_NANOS || !call.body.isHere()) {
            startApart(call);
            return true;
        }
        // It was the reader's: the function has not been interrupted.
        Thread.interrupted();
        me.ticket = seat.sit();
        call.run();
        long ticket = me.ticket;
        me.ticket = 0;
        if (ticket == 0 || !seat.leave(ticket)) {
            // It has held up others: those that follow are run apart for a while.
            average = SLOW_NANOS;
            link.flush();
            return false;
        }
        took(call);
        link.flushLater();
        return true;
    }

    private void startApart(Call call) {
        try {
            runners.serve(() -> runApart(call));
        } catch (OutOfMemoryError none) {
            // There is no thread to be had, or no memory for one. Other calls go on, and later this one may find room.
            call.turnAway(none);
        }
    }

    private void runApart(Call call) {
        ((Runner) Thread.currentThread()).reset(loader);
        call.run();
        took(call);
    }

    /** Racing threads may lose a figure: it is an average. */
    private void took(Call call) {
        average += (Math.min(call.nanos(), SLOW_NANOS) - average) / 8;
    }

    // ---- frames

    private Call frame() {
        int stream = link.stream;
        if (link.type == Frames.CALL) return begin(stream);
        if (stream == 0) {
            connection();
            return null;
        }
        Call call = stream < 0 ? null : open.get(stream);
        if (call == null) passOver(stream);
        else take(call);
        return null;
    }

    private void take(Call call) {
        switch (link.type) {
            case Frames.DATA -> call.body.add(link.payload, link.last);
            case Frames.END -> call.body.add(Frames.EMPTY, true);
            case Frames.CANCEL -> call.cancel();
            case Frames.WINDOW -> {
                long bytes = link.payload.length == 4 ? Frames.u32(link.payload, 0) : 0;
                if (bytes == 0) throw new Broken("no such window on stream " + call.id);
                call.window(bytes);
            }
            default -> unknown();
        }
    }

    private void connection() {
        if (link.type == Frames.PING && link.payload.length == 1) pong(link.payload[0]);
        else if (link.type == Frames.BYE) leave();
        else unknown();
    }

    private void unknown() {
        throw new Broken("a frame of type " + link.type + " on stream " + Integer.toUnsignedString(link.stream));
    }

    /** Frames for a call that has ended here may have crossed its last words. */
    private void passOver(int stream) {
        boolean used = stream > 0 && (wrapped || stream <= newest);
        if (!used || link.type < Frames.CALL || link.type > Frames.BYE) unknown();
    }

    private Call begin(int stream) {
        if (stream <= 0 || stream > LARGEST_STREAM) throw new Broken("a call on stream " + Integer.toUnsignedString(stream));
        if (open.containsKey(stream)) throw new Broken("a second call on stream " + stream);
        if (stream < newest) wrapped = true;
        newest = stream;
        Call call = new Call(this, stream, link.last, link.payload);
        open.put(stream, call);
        return call;
    }

    void remove(Call call) {
        open.remove(call.id);
        if (leaving && open.isEmpty()) finish();
    }

    private void pong(byte question) {
        boolean well = question == 0 || !leaving && open.size() < concurrency;
        byte[] text = (open.size() + " of " + concurrency + " places taken").getBytes(StandardCharsets.UTF_8);
        link.send(Frames.PONG, false, 0, new byte[] {question, (byte) (well ? 1 : 0)}, 2, text, 0, text.length);
    }

    void log(int stream, int level, int source, String line) {
        byte[] text = line.replace('\0', '\ufffd').getBytes(StandardCharsets.UTF_8);
        int most = 64 * 1024;
        for (int at = 0; at == 0 || at < text.length; at += most) {
            link.send(Frames.LOG, false, stream, new byte[] {(byte) level, (byte) source}, 2, text, at, Math.min(most, text.length - at));
        }
        if (!(Thread.currentThread() instanceof Runner me) || me.ticket == 0) link.flush();
    }

    // ---- its end

    private void leave() {
        leaving = true;
        if (open.isEmpty()) finish();
    }

    /** Its last call and BYE may both find that nothing is left. */
    private void finish() {
        if (!finished.compareAndSet(false, true)) return;
        runners.execute(() -> {
            ((Runner) Thread.currentThread()).reset(loader);
            int code = 0;
            try {
                style.stop();
            } catch (Throwable error) {
                System.err.println("heeler java worker: the function's close() failed: " + Texts.stack(error));
                code = 1;
            }
            link.drain();
            System.exit(code);
        });
    }
}
