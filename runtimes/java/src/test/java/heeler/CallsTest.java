package heeler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Calls beside each other, their ends, and what they print. */
class CallsTest {
    private static final byte[] NONE = {};

    /** Until the function is known to be quick, so that the thread that reads runs it. */
    private static void warm(Peer peer) throws Exception {
        for (int at = 0; at < 300; at++) assertEquals("X", peer.ask("/hello", "x").text());
    }

    @Test
    void a_call_that_waits_holds_up_nobody() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            warm(peer);
            int waiting = peer.start("/wait", "");
            int first = peer.start("/first", "");
            for (int at = 0; at < 50; at++) assertEquals("QUICK", peer.ask("/hello", "quick").text());
            // What was flushed is there while its call goes on.
            assertEquals(Frames.REPLY, peer.take(first).type());
            assertEquals("first", peer.take(first).text(0));
            peer.ask("/open", "");
            assertEquals("waited", peer.answer(waiting).text());
        }
    }

    @Test
    void no_answer_is_lost_while_the_right_to_read_changes_hands() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            warm(peer);
            int first = peer.start("/maybe?n=0", "");
            for (int at = 1; at < 8000; at++) {
                peer.start("/maybe?n=" + at, "");
                // So many calls are open at a time.
                if (at >= 16) assertEquals(String.valueOf(at - 16), peer.answer(first + at - 16).text());
            }
            for (int at = 8000 - 16; at < 8000; at++) assertEquals(String.valueOf(at), peer.answer(first + at).text());
        }
    }

    @Test
    void a_cancelled_call_is_interrupted_and_is_over_when_its_code_is() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            warm(peer);
            int stream = peer.start("/sleep", "");
            peer.send(Frames.CANCEL, false, stream, new byte[] {1});
            Peer.Answer answer = peer.answer(stream);
            assertTrue(answer.cancelled);
            assertEquals(-1, answer.kind);
            assertEquals("X", peer.ask("/hello", "x").text());
        }
    }

    @Test
    void code_that_runs_on_is_said_to_and_keeps_its_place_until_it_ends() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            int stream = peer.start("/stubborn", "");
            assertEquals(Frames.LOG, peer.take(stream).type());
            peer.send(Frames.CANCEL, false, stream, new byte[] {0});
            Peer.Frame heard = peer.take(stream);
            assertEquals(Frames.CANCELLED, heard.type());
            assertFalse(heard.last());
            peer.ask("/open", "");
            Peer.Frame over = peer.take(stream);
            assertEquals(Frames.CANCELLED, over.type());
            assertTrue(over.last());
        }
    }

    @Test
    void a_cancelled_call_that_reads_its_request_hears_of_it() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            peer.send(Peer.call(1, "/hello", "half".getBytes(), false));
            peer.send(Frames.CANCEL, false, 1, new byte[] {0});
            assertTrue(peer.answer(1).cancelled);
        }
    }

    @Test
    void a_cancel_that_crossed_the_answer_is_not_answered() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            int stream = peer.start("/hello", "x");
            peer.answer(stream);
            peer.send(Frames.CANCEL, false, stream, new byte[] {0});
            assertEquals("Y", peer.ask("/hello", "y").text());
            peer.send(Frames.PING, false, 0, new byte[] {0});
            assertEquals(Frames.PONG, peer.take(0).type());
        }
    }

    @Test
    void an_interrupted_thread_can_still_answer_and_takes_nobody_with_it() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            warm(peer);
            for (int at = 0; at < 20; at++) {
                assertEquals("interrupted true", peer.ask("/interrupt", "").text());
                assertEquals("X", peer.ask("/hello", "x").text());
            }
        }
    }

    @Test
    void an_interrupt_of_every_thread_is_forgotten() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            warm(peer);
            // Its body is not there yet, so another thread runs it than the one that reads.
            peer.send(Peer.call(1000, "/unrest", NONE, false));
            assertEquals(200, peer.answer(1000).status);
            assertEquals("true", peer.ask("/calm", "").text());
            long end = System.nanoTime() + 20_000_000_000L;
            String left = "";
            while (System.nanoTime() < end && !(left = peer.ask("/rest", "").text()).equals("[]")) Thread.onSpinWait();
            assertEquals("[]", left);
        }
    }

    @Test
    void another_thread_may_write_the_answer() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            assertEquals(100_000, peer.ask("/thread", "").body.size());
        }
    }

    @Test
    void what_a_call_prints_comes_with_its_number() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            assertEquals(List.of("1 one", "2 three", "1 two four"), peer.ask("/print", "").lines);
        }
    }

    @Test
    void an_error_is_told_with_type_message_and_stack() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            warm(peer);
            String error = peer.ask("/throw", "").error;
            assertTrue(error.startsWith("java.lang.IllegalStateException|too?far|java.lang.IllegalStateException"), error);
            assertTrue(error.contains("Web.java:"), error);
            assertTrue(peer.ask("/deep", "").error.startsWith("java.lang.StackOverflowError"));
            assertEquals("X", peer.ask("/hello", "x").text());
        }
    }

    @Test
    void ping_tells_of_places() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            peer.send(Frames.PING, false, 0, new byte[] {1});
            Peer.Frame pong = peer.take(0);
            assertEquals(1, pong.payload()[0]);
            assertEquals(1, pong.payload()[1]);
            assertEquals("0 of " + peer.concurrency + " places taken", pong.text(2));
        }
    }

    @Test
    void bye_lets_calls_finish_and_closes_the_function() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            int waiting = peer.start("/wait", "");
            peer.send(Frames.BYE, false, 0, NONE);
            peer.send(Frames.PING, false, 0, new byte[] {1});
            assertEquals(0, peer.take(0).payload()[1]);
            peer.ask("/open", "");
            assertEquals("waited", peer.answer(waiting).text());
            assertEquals(0, peer.ended());
            assertEquals("closed\n", peer.errors());
        }
    }

    @Test
    void the_function_is_closed_once() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            byte[] bye = Peer.frame(Frames.BYE, false, 0, NONE);
            peer.send(ByteBuffer.allocate(2 * bye.length).put(bye).put(bye).array());
            assertEquals(0, peer.ended());
            assertEquals("closed\n", peer.errors());
        }
    }

    @Test
    void the_end_of_the_socket_ends_the_worker() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            peer.start("/sleep", "");
            peer.hangUp();
            assertEquals(0, peer.ended());
        }
    }
}
