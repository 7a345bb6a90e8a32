package heeler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which class is served in which style, and what is said when there is none. */
class LoadTest {
    private static String refused(Map<String, String> env, String... settings) throws Exception {
        try (Peer peer = new Peer(env, Peer.classes())) {
            Map<String, String> pairs = new HashMap<>();
            for (int at = 0; at < settings.length; at += 2) pairs.put(settings[at], settings[at + 1]);
            peer.hello(pairs);
            Peer.Frame frame = peer.take(0);
            assertEquals(Frames.ERROR, frame.type());
            assertEquals(Frames.NOT_LOADED, frame.payload()[0]);
            assertEquals(1, peer.ended());
            return frame.text(8).split("\0")[1];
        }
    }

    @Test
    void what_cannot_be_loaded_says_what_there_is() throws Exception {
        String which = refused(Map.of());
        assertTrue(which.contains("which class of") && which.contains("samples.Web") && which.contains("samples.Pairs$Text"), which);
        assertTrue(refused(Map.of(), "handler", "no.Such").contains("no class no.Such in "));
        assertTrue(refused(Map.of(), "handler", "samples.Web", "handler_style", "hks").contains("known are http, lambda"));
        assertTrue(refused(Map.of(), "handler", "samples.Pairs.Raw").contains("has to name a type"));
        assertTrue(refused(Map.of(), "handler", "samples.Pairs.Text::none").contains("no public methods none"));
        assertTrue(refused(Map.of(), "handler", "samples.Pairs", "handler_style", "openfaas").contains("no public constructor"));
        assertTrue(refused(Map.of("FUNCTION_TARGET", "samples.Web", "FUNCTION_SIGNATURE_TYPE", "cloudevent")).contains("does not fit the signature"));
        assertTrue(refused(Map.of("FUNCTION_TARGET", "samples.Web", "FUNCTION_SIGNATURE_TYPE", "soap")).contains("known are http, event"));
    }

    @Test
    void the_environment_says_it_too() throws Exception {
        try (Peer peer = new Peer(Map.of("FUNCTION_TARGET", "samples.Web"), Peer.classes())) {
            peer.hello(Map.of());
            peer.greeted();
            assertEquals("samples.Web", peer.about.get("function"));
        }
    }

    @Test
    void functions_of_the_jdk() throws Exception {
        try (Peer peer = Peer.of("samples.Pairs.Text")) {
            Peer.Answer answer = peer.ask("/", "hi");
            assertEquals("hi! text/plain; charset=utf-8", answer.text() + " " + answer.headers.get("content-type"));
        }
        try (Peer peer = Peer.of("samples.Pairs.Nothing")) {
            Peer.Answer answer = peer.ask("/", "");
            assertEquals("{\"a\":1} application/json", answer.text() + " " + answer.headers.get("content-type"));
        }
        try (Peer peer = Peer.of("samples.Pairs.One")) {
            Map<String, String> attributes = new java.util.LinkedHashMap<>();
            String[] given = {"id", "1", "source", "/s", "type", "t", "specversion", "1.0", "time", "2026-01-01T00:00:00Z", "more", "x"};
            for (int at = 0; at < given.length; at += 2) attributes.put(given[at], given[at + 1]);
            peer.send(Peer.call(1, 1, "/", attributes, 0, "{}".getBytes(), true));
            assertEquals(java.util.List.of("1 1 2026-01-01T00:00Z [more]"), peer.answer(1).lines);
            peer.send(Peer.call(2, "/", "no event".getBytes(), true));
            assertEquals(400, peer.answer(2).status);
        }
    }
}
