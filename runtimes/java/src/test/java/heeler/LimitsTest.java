package heeler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker that runs out of threads or of memory. */
class LimitsTest {
    /** Each thread takes 128 MiB of an address space that has room for a few. */
    private static final Map<String, String> FEW_THREADS = Map.of(
        "PEER_KIB", "5000000", "MALLOC_ARENA_MAX", "1",
        "JDK_JAVA_OPTIONS", "-Xss128m -Xmx64m -XX:+UseSerialGC -XX:ReservedCodeCacheSize=32m -XX:CompressedClassSpaceSize=32m");

    @Test
    void a_call_without_a_thread_fails_alone_and_may_be_tried_again() throws Exception {
        try (Peer peer = Peer.of(FEW_THREADS, "samples.Web")) {
            int last = 0;
            while (last < 60) last = peer.start("/wait", "");
            Peer.Frame refused = peer.take(last);
            assertEquals(Frames.ERROR, refused.type());
            assertEquals(1, refused.payload()[1]);
            assertEquals(503, Frames.u16(refused.payload(), 2));
            assertTrue(refused.text(8).startsWith("java.lang.OutOfMemoryError\0"), refused.text(8));
            peer.send(Frames.CANCEL, false, 1, new byte[] {0});
            assertTrue(peer.answer(1).cancelled);
            open(peer);
            assertEquals("waited", peer.answer(2).text());
        }
    }

    /** The thread of the cancelled call is free soon. */
    private static void open(Peer peer) throws IOException {
        long end = System.nanoTime() + 20_000_000_000L;
        String error = "";
        while (error != null && System.nanoTime() < end) error = peer.ask("/open", "").error;
        assertNull(error);
    }

    @Test
    void a_worker_without_memory_ends_and_says_so() throws Exception {
        try (Peer peer = Peer.of(Map.of("JDK_JAVA_OPTIONS", "-Xmx24m -XX:+UseSerialGC"), "samples.Web")) {
            peer.start("/hoard", "");
            for (int at = 0; at < 10; at++) peer.start("/hello", "x".repeat(200_000));
            assertEquals(70, peer.ended(), peer.errors());
            assertTrue(peer.errors().matches("(?s).*heeler java worker: [^\n]*([Oo]ut ?[Oo]f ?[Mm]emory|heap space)[^\n]*\n.*"), peer.errors());
        }
    }

    @Test
    void places_are_half_of_the_processes_that_are_left(@TempDir Path group) throws Exception {
        assertEquals(1000, Places.within(1000, group));
        Path older = Files.createDirectory(group.resolve("pids"));
        Files.writeString(older.resolve("pids.max"), "64\n");
        Files.writeString(older.resolve("pids.current"), "24\n");
        assertEquals(20, Places.within(1000, group));
        assertEquals(1, Places.within(1, group));
        Files.writeString(group.resolve("pids.current"), "64\n");
        Files.writeString(group.resolve("pids.max"), "64\n");
        assertEquals(1, Places.within(1000, group));
        Files.writeString(group.resolve("pids.max"), "9999\n");
        assertEquals(1000, Places.within(1000, group));
        Files.delete(group.resolve("pids.max"));
        Files.writeString(older.resolve("pids.max"), "max\n");
        assertEquals(1000, Places.within(1000, group));
    }
}
