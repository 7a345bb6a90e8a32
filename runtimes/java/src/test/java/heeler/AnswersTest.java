package heeler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Answers that HTTP has no room for, and errors that a frame has none for: each is the failure of its call alone. */
class AnswersTest {
    private static void refused(Peer peer, String path, String told) throws Exception {
        Peer.Answer answer = peer.ask(path, "");
        assertEquals(-1, answer.kind, path);
        assertTrue(answer.error.startsWith("java.lang.IllegalArgumentException|" + told), answer.error);
    }

    @Test
    void a_status_that_no_answer_has_fails_the_call() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            for (int status : new int[] {0, 99, 100, 199, 600, 70000, -1, 65536 + 200}) {
                refused(peer, "/status?" + status, "a status of " + status + ":");
            }
            for (int status : new int[] {200, 599}) assertEquals(status, peer.ask("/status?" + status, "").status);
        }
    }

    @Test
    void a_header_that_http_does_not_allow_fails_the_call() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            for (String value : new String[] {"a%0D%0Ax-b:c", "a%0Ab", "a%00", "%01", "%7F"}) {
                refused(peer, "/header?name=X-A&value=" + value, "the value of the header x-a has the character ");
            }
            for (String name : new String[] {"", "x%20a", "x%0D%0Aa", "x:a", "%C3%A9", "%00", "x%7F", "(x)"}) {
                refused(peer, "/header?value=a&name=" + name, "a header is named \"");
            }
            refused(peer, "/type", "the value of the header content-type has the character 13 at place 10");
            assertEquals("a\tb ~", peer.ask("/header?name=X-A!%23$%25%26'*%2B-.^_%60%7C~9&value=a%09b%20~", "").headers.get("x-a!#$%&'*+-.^_`|~9"));
        }
    }

    @Test
    void a_long_message_is_cut_by_bytes() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            Peer.Frame frame = peer.take(peer.start("/long", ""));
            assertEquals(Frames.ERROR, frame.type());
            assertTrue(frame.payload().length <= Frames.MAX_PAYLOAD, frame.payload().length + " bytes");
            assertEquals("\u65e5".repeat(20_000), frame.text(8).split("\0")[1]);
        }
    }

    @Test
    void a_function_that_cannot_be_loaded_says_no_more_than_a_frame_holds() throws Exception {
        try (Peer peer = new Peer(Map.of(), Peer.classes())) {
            peer.hello(Map.of("handler", "samples.Web.Never"));
            Peer.Frame frame = peer.take(0);
            assertEquals(Frames.ERROR, frame.type());
            assertTrue(frame.payload().length <= Frames.MAX_PAYLOAD, frame.payload().length + " bytes");
            assertEquals(1, peer.ended());
        }
    }
}
