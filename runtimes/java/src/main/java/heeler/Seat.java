package heeler;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The right to read the socket, which one thread has at a time. A quick call is run by the very thread that has read it:
 * no other has to be woken. While it runs, the right may be taken: by itself when it is about to wait, or by the watch
 * when it takes long. Even numbers: somebody reads; odd ones: the reader is running a call.
 */
final class Seat implements Runnable {
    /** When the watch looks again: soon after it has seen a call. A call may hold up others for both of these. */
    private static final long CALL_NANOS = 1_000_000;
    private static final long OTHER_NANOS = 3_000_000;
    /** So many looks at nothing, and the watch sleeps until it is called. */
    private static final int QUIET_GLANCES = 20;

    private final AtomicLong state = new AtomicLong();
    private final Runnable lead;
    private final Queue<Call> cancelled = new ConcurrentLinkedQueue<>();
    private final Thread watch;
    private volatile boolean asleep;

    /** @param lead starts a thread that goes on reading */
    Seat(Runnable lead) {
        this.lead = lead;
        watch = new Thread(this, "heeler watch");
        watch.setDaemon(true);
        watch.setUncaughtExceptionHandler(Halt.HALT);
    }

    void open() {
        watch.start();
        lead.run();
    }

    /** The reader begins to run a call. */
    long sit() {
        long ticket = state.incrementAndGet();
        if (asleep) wake();
        return ticket;
    }

    /** The call is through: whether its thread is still the reader. */
    boolean leave(long ticket) {
        return state.compareAndSet(ticket, ticket + 1);
    }

    /** The thread that runs a call is about to wait: others read on. */
    void handOver() {
        if (Thread.currentThread() instanceof Runner me && me.ticket != 0) {
            long ticket = me.ticket;
            me.ticket = 0;
            if (leave(ticket)) lead.run();
        }
    }

    /** A call that was cancelled and whose code may be about to end: it is said to run on only if it does. */
    void watch(Call call) {
        cancelled.add(call);
        if (asleep) wake();
    }

    private void wake() {
        asleep = false;
        LockSupport.unpark(watch);
    }

    @Override
    public void run() {
        long before = 0;
        int quiet = 0;
        for (;;) {
            LockSupport.parkNanos(before % 2 == 1 ? CALL_NANOS : OTHER_NANOS);
            // A function's interrupt of this thread, left to stand, would end every wait at once.
            Thread.interrupted();
            long now = state.get();
            if (now == before && now % 2 == 1 && leave(now)) lead.run();
            boolean idle = now == before && cancelled.isEmpty();
            quiet = idle ? quiet + 1 : 0;
            acknowledge();
            before = now;
            if (quiet > QUIET_GLANCES) {
                sleep(now);
                quiet = 0;
            }
        }
    }

    private void sleep(long now) {
        asleep = true;
        // Whoever came between the last look and this line has not seen that it sleeps.
        if (state.get() == now && cancelled.isEmpty()) LockSupport.park();
        asleep = false;
    }

    private void acknowledge() {
        for (Call call = cancelled.peek(); call != null && call.patient(); call = cancelled.peek()) {
            cancelled.poll();
            call.acknowledge(false);
        }
    }
}
