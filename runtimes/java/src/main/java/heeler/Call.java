package heeler;

import java.io.IOException;
import java.io.InterruptedIOException;

/** One call: what came with it, its answer, and how far that has got. */
final class Call implements Runnable {
    private static final int REPLY_HEAD = 12;
    private static final int BUSY = 503;
    /** A call that was cancelled and ends within this time is not said to run on. */
    private static final long GRACE_NANOS = 5_000_000;

    final Serving serving;
    final int id;
    Head head;
    Body body;
    /** The events of a batch, for styles that take lists. */
    java.util.List<Event> batch;
    Lines lines;

    private final long arrived = System.nanoTime();
    private long began = arrived;
    private long sendWindow;
    private Thread thread;
    private boolean started;
    private boolean settled;
    private boolean headSent;
    private boolean ended;
    private boolean cancelled;
    private boolean acknowledged;
    private long cancelledAt;

    Call(Serving serving, int id, boolean last, byte[] payload) {
        this.serving = serving;
        this.id = id;
        head = new Head(payload);
        body = new Body(this, payload, head.bodyAt, last);
        sendWindow = serving.peerWindow;
    }

    /** Milliseconds until the deadline; without one what `otherwise` says. */
    long remainingMillis(long otherwise) {
        if (head.deadlineMillis == 0) return otherwise;
        return Math.max(0, head.deadlineMillis - (System.nanoTime() - arrived) / 1_000_000);
    }

    // ---- its life

    @Override
    public void run() {
        Runner me = (Runner) Thread.currentThread();
        me.call = this;
        synchronized (this) {
            if (cancelled) {
                me.reset(serving.loader);
                return;
            }
            started = true;
            thread = me;
            began = System.nanoTime();
        }
        try {
            serving.style.serve(this);
        } catch (Throwable error) {
            failed(error);
        }
        settle();
        me.reset(serving.loader);
    }

    private void failed(Throwable error) {
        if (error instanceof Broken) Halt.because(error);
        try {
            serving.style.failed(this, error);
        } catch (Throwable worse) {
            fail(worse, 0);
        }
    }

    /** The function's code has come to its end. */
    private void settle() {
        boolean late;
        synchronized (this) {
            settled = true;
            thread = null;
            late = cancelled && !ended;
        }
        if (late) acknowledge(true);
    }

    long nanos() {
        return System.nanoTime() - began;
    }

    /** Nobody waits any more. */
    void cancel() {
        boolean now;
        synchronized (this) {
            if (ended || cancelled) return;
            cancelled = true;
            cancelledAt = System.nanoTime();
            now = settled || !started;
            if (thread != null) thread.interrupt();
            notifyAll();
        }
        if (now) acknowledge(true);
        else serving.seat.watch(this);
    }

    /** Whether its code has had the time to end by itself. */
    synchronized boolean patient() {
        return ended || System.nanoTime() - cancelledAt > GRACE_NANOS;
    }

    void acknowledge(boolean over) {
        synchronized (this) {
            if (ended || acknowledged && !over) return;
            acknowledged = true;
            if (over && lines != null) lines.flush();
            serving.link.send(Frames.CANCELLED, over, id, Frames.EMPTY);
            ended = over;
        }
        if (over) serving.remove(this);
        serving.link.flush();
    }

    synchronized boolean cancelled() {
        return cancelled;
    }

    synchronized boolean over() {
        return ended || cancelled;
    }

    /** Room from heeler. */
    synchronized void window(long bytes) {
        if (sendWindow + bytes > Integer.MAX_VALUE) throw new Broken("no such window on stream " + id);
        sendWindow += bytes;
        notifyAll();
    }

    // ---- its answer

    static Fields fields() {
        return new Fields(REPLY_HEAD);
    }

    boolean headSent() {
        synchronized (this) {
            return headSent;
        }
    }

    void reply(int status, Fields headers, byte[] bytes) throws IOException {
        reply(status, headers, bytes, 0, bytes.length);
    }

    /** Head and whole body in one. */
    void reply(int status, Fields headers, byte[] bytes, int from, int length) throws IOException {
        reply(status, headers, 0, bytes, from, length);
    }

    /** An event as the answer: the first pairs of the fields are its attributes. */
    void replyEvent(int status, Fields fields, int attributes, byte[] data) throws IOException {
        reply(status, fields, attributes, data, 0, data.length);
    }

    private void reply(int status, Fields headers, int attributes, byte[] bytes, int from, int length) throws IOException {
        boolean whole;
        synchronized (this) {
            if (ended || cancelled || headSent) return;
            whole = headers.length() + length <= Frames.MAX_PAYLOAD && length <= sendWindow;
            if (whole) {
                if (lines != null) lines.flush();
                writeHead(headers, status, attributes, micros());
                serving.link.send(Frames.REPLY, true, id, headers.bytes(), headers.length(), bytes, from, length);
                headSent = true;
                ended = true;
            }
        }
        if (whole) {
            finish();
            return;
        }
        begin(status, headers, attributes);
        write(bytes, from, length);
        end();
    }

    void begin(int status, Fields headers) {
        begin(status, headers, 0);
    }

    /** The head alone; the body follows by `write` and `end`. */
    private void begin(int status, Fields headers, int attributes) {
        if (headers.length() > Frames.MAX_PAYLOAD) throw new IllegalStateException("a head of " + headers.length() + " bytes, at most " + Frames.MAX_PAYLOAD + " are allowed");
        synchronized (this) {
            if (ended || cancelled || headSent) return;
            writeHead(headers, status, attributes, 0);
            serving.link.send(Frames.REPLY, false, id, headers.bytes(), headers.length(), Frames.EMPTY, 0, 0);
            headSent = true;
        }
    }

    private static void writeHead(Fields headers, int status, int attributes, int micros) {
        if (status < 200 || status > 599) throw new IllegalArgumentException("a status of " + status + ": an answer's is from 200 to 599");
        byte[] head = headers.bytes();
        head[0] = (byte) (attributes > 0 ? 1 : 0);
        head[1] = (byte) attributes;
        head[2] = (byte) (status >>> 8);
        head[3] = (byte) status;
        Frames.put32(head, 4, headers.size());
        Frames.put32(head, 8, micros);
    }

    /** Body bytes, as fast as the caller takes them. */
    void write(byte[] bytes, int from, int length) throws IOException {
        for (int at = from; at < from + length;) {
            int room = awaitWindow();
            int count = Math.min(Math.min(room, from + length - at), 64 * 1024);
            serving.link.awaitRoom();
            synchronized (this) {
                if (over()) throw new InterruptedIOException("nobody waits for this answer any more");
                serving.link.send(Frames.DATA, false, id, Frames.EMPTY, 0, bytes, at, count);
                sendWindow -= count;
            }
            at += count;
        }
        serving.link.flush();
    }

    private int awaitWindow() throws InterruptedIOException {
        synchronized (this) {
            if (sendWindow > 0 && !over()) return (int) sendWindow;
        }
        // What was said so far has to get there, that the caller can ask for more.
        serving.link.flush();
        serving.seat.handOver();
        synchronized (this) {
            while (sendWindow <= 0 && !over()) {
                try {
                    wait();
                } catch (InterruptedException told) {
                    Thread.currentThread().interrupt();
                    throw new InterruptedIOException("interrupted while the caller was being waited for");
                }
            }
            if (over()) throw new InterruptedIOException("nobody waits for this answer any more");
            return (int) sendWindow;
        }
    }

    void end() {
        synchronized (this) {
            if (ended || cancelled) return;
            if (lines != null) lines.flush();
            byte[] micros = new byte[4];
            Frames.put32(micros, 0, micros());
            serving.link.send(Frames.END, true, id, micros);
            ended = true;
        }
        finish();
    }

    /** The call failed. Type, message and stack go to the log; the caller learns the type alone. */
    void fail(Throwable error, int status) {
        fail(error, status, false);
    }

    /** There was no place for it. */
    void turnAway(Throwable why) {
        fail(why, BUSY, true);
    }

    private void fail(Throwable error, int status, boolean again) {
        String stack = Texts.stack(error);
        boolean late;
        synchronized (this) {
            if (ended) return;
            if (lines != null) lines.flush();
            late = cancelled;
            if (!late) {
                Fields told = Fields.ofError(Frames.RAISED, error.getClass().getName(), Texts.message(error), stack);
                byte[] bytes = told.bytes();
                bytes[1] = (byte) (again ? 1 : 0);
                bytes[2] = (byte) (status >>> 8);
                bytes[3] = (byte) status;
                Frames.put32(bytes, 4, micros());
                serving.link.send(Frames.ERROR, true, id, bytes, told.length(), Frames.EMPTY, 0, 0);
                headSent = true;
                ended = true;
            }
        }
        if (late) log(3, 3, stack);
        else finish();
    }

    /** Our side has said its last: the stream is over. */
    private void finish() {
        serving.remove(this);
        // Who reads the socket has more to do, and sees to it that this goes out.
        if (!(Thread.currentThread() instanceof Runner me) || me.ticket == 0) serving.link.flush();
    }

    private int micros() {
        return (int) Math.min(Integer.MAX_VALUE, nanos() / 1000);
    }

    // ---- its log

    void log(int level, int source, String text) {
        for (String line : text.stripTrailing().split("\n")) serving.log(over() ? 0 : id, level, source, line);
    }
}
