package heeler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The protocol, frame by frame: what the worker says to good frames and to bad ones. */
class WireTest {
    private static final Path GOLDEN = Path.of("../../tests/wire");
    private static final byte[] NONE = {};

    private static byte[] hex(String name) throws IOException {
        StringBuilder digits = new StringBuilder();
        for (String line : Files.readAllLines(GOLDEN.resolve(name))) digits.append(line.replaceAll("#.*", "").replaceAll("\\s", ""));
        return HexFormat.of().parseHex(digits);
    }

    @Test
    void the_worked_call_of_the_protocol() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            peer.send(hex("call.hex"));
            Peer.Answer answer = peer.answer(1);
            byte[] golden = hex("reply.hex");
            Peer.Answer expected = new Peer.Answer();
            Peer.readReply(new Peer.Frame(Frames.REPLY, true, 1, Arrays.copyOfRange(golden, 12, golden.length)), expected);
            assertEquals(200, answer.status);
            assertEquals(expected.headers, answer.headers);
            assertEquals("HI", answer.text());
        }
    }

    @Test
    void golden_frames_of_heeler_are_taken() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            peer.ask("/hello", "x");
            peer.ask("/hello", "x");
            int stream = 3;
            for (String name : new String[] {"ping.hex", "optional.hex", "data.hex", "window.hex", "cancel.hex", "end_heeler.hex"}) {
                byte[] bytes = hex(name);
                // Its stream was used and is over: that is passed over.
                if (Frames.i32(bytes, 8) != 0) Frames.put32(bytes, 8, 1);
                peer.send(bytes);
                peer.send(Peer.call(stream, "/hello", "after".getBytes(), true));
                assertEquals("AFTER", peer.answer(stream++).text(), name);
            }
            peer.send(hex("bye.hex"));
            assertEquals(0, peer.ended());
        }
    }

    @Test
    void broken_bytes_end_the_worker_with_70_and_one_line() throws Exception {
        Map<String, byte[]> cases = new LinkedHashMap<>();
        for (File file : GOLDEN.resolve("broken").toFile().listFiles()) {
            if (file.getName().matches("(both|worker)_.*")) cases.put(file.getName() + ":", hex("broken/" + file.getName()));
        }
        assertFalse(cases.isEmpty());
        cases.put("a call on stream 0", Peer.call(0, "/", NONE, true));
        cases.put("a frame of 262145 bytes", ByteBuffer.allocate(12).putInt(262145).array());
        cases.put("a frame of 4294967295 bytes", ByteBuffer.allocate(12).putInt(-1).array());
        cases.put("a frame of type 99", Peer.frame(99, false, 0, NONE));
        cases.put("a frame of type 5", Peer.frame(Frames.REPLY, true, 0, NONE));
        cases.put("a call of 3 bytes", Peer.frame(Frames.CALL, true, 1, new byte[3]));
        cases.put("fields go past", Peer.frame(Frames.CALL, true, 1, ByteBuffer.allocate(20).putInt(4, 100).array()));
        cases.put("fields go past its frame", Peer.frame(Frames.CALL, true, 1, ByteBuffer.allocate(20).putInt(4, -1).array()));
        cases.put("a call with 1 fields", Peer.frame(Frames.CALL, true, 1, ByteBuffer.allocate(22).putInt(4, 2).put(20, (byte) 'x').array()));
        cases.put("does not end with NUL", Peer.frame(Frames.CALL, true, 1, ByteBuffer.allocate(21).putInt(4, 1).put(20, (byte) 'x').array()));
        cases.put("a call of kind 3", Peer.frame(Frames.CALL, true, 1, ByteBuffer.allocate(20).put(0, (byte) 3).array()));
        cases.put("a frame of type 3 on stream 7", Peer.frame(Frames.DATA, true, 7, NONE));
        for (Map.Entry<String, byte[]> one : cases.entrySet()) {
            try (Peer peer = Peer.of("samples.Web")) {
                peer.send(one.getValue());
                assertEquals(70, peer.ended(), one.getKey());
                assertTrue(peer.errors().matches("heeler java worker: heeler sent [^\n]+\n"), peer.errors());
                assertTrue(one.getKey().endsWith(":") || peer.errors().contains(one.getKey()), one.getKey() + " in " + peer.errors());
            }
        }
    }

    @Test
    void a_batch_that_does_not_come_out_even_is_broken() throws Exception {
        byte[] golden = hex("call_batch.hex");
        for (int cut : new int[] {1, 10}) {
            try (Peer peer = Peer.of("samples.Pairs.Many")) {
                byte[] bytes = Arrays.copyOf(golden, golden.length - cut);
                Frames.put32(bytes, 0, golden.length - 12 - cut);
                peer.send(bytes);
                assertEquals(70, peer.ended());
            }
        }
        try (Peer peer = Peer.of("samples.Pairs.Many")) {
            peer.send(golden);
            Peer.Answer answer = peer.answer(1);
            assertEquals("application/cloudevents-batch+json", answer.headers.get("content-type"));
            assertEquals(2, ((java.util.List<?>) Json.parse(answer.text())).size());
        }
    }

    @Test
    void more_body_than_the_window_allows_and_a_second_use_of_a_stream_are_errors() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            peer.send(Peer.call(1, "/wait", "x".getBytes(), false));
            for (int at = 0; at < 5; at++) peer.send(Frames.DATA, false, 1, new byte[262144]);
            assertEquals(70, peer.ended());
        }
        try (Peer peer = Peer.of("samples.Web")) {
            peer.send(Peer.call(1, "/wait", NONE, true));
            peer.send(Peer.call(1, "/wait", NONE, true));
            assertEquals(70, peer.ended());
            assertTrue(peer.errors().contains("a second call on stream 1"));
        }
    }

    @Test
    void frames_may_come_in_any_pieces() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (int stream = 1; stream <= 3; stream++) all.write(Peer.call(stream, "/hello", ("n" + stream).getBytes(), true));
            for (byte one : all.toByteArray()) peer.send(new byte[] {one});
            for (int stream = 1; stream <= 3; stream++) assertEquals("N" + stream, peer.answer(stream).text());
        }
    }

    @Test
    void stream_numbers_begin_again() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            for (int stream : new int[] {Integer.MAX_VALUE - 1, Integer.MAX_VALUE, 1, 2}) {
                peer.send(Peer.call(stream, "/hello", "n".getBytes(), true));
                assertEquals("N", peer.answer(stream).text());
            }
        }
    }

    @Test
    void bodies_of_any_size_flow_both_ways_as_far_as_the_windows_allow() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            byte[] piece = new byte[100_000];
            for (int at = 0; at < piece.length; at++) piece[at] = (byte) (at * 31);
            ByteArrayOutputStream sent = new ByteArrayOutputStream();
            ByteArrayOutputStream came = new ByteArrayOutputStream();
            peer.send(Peer.call(1, "/echo", piece, false));
            sent.write(piece);
            int room = Body.WINDOW_BYTES - piece.length;
            while (sent.size() < 5_000_000) {
                while (room < piece.length) room += read(peer, came);
                peer.send(Frames.DATA, false, 1, piece);
                sent.write(piece);
                room -= piece.length;
            }
            peer.send(Frames.END, true, 1, NONE);
            while (came.size() < sent.size()) read(peer, came);
            assertArrayEquals(sent.toByteArray(), came.toByteArray());
            assertEquals(Frames.END, peer.take(1).type());
        }
    }

    /** One frame of stream 1: body bytes are granted again, and the room that it gives is told. */
    private static int read(Peer peer, ByteArrayOutputStream came) throws IOException {
        Peer.Frame frame = peer.take(1);
        if (frame.type() == Frames.WINDOW) return Frames.i32(frame.payload(), 0);
        byte[] bytes = frame.type() == Frames.REPLY ? Arrays.copyOfRange(frame.payload(), 12 + Frames.i32(frame.payload(), 4), frame.payload().length) : frame.payload();
        came.write(bytes);
        peer.grant(1, bytes.length);
        return 0;
    }

    @Test
    void without_a_socket_it_says_who_starts_it() throws Exception {
        try (Peer peer = new Peer(Map.of("HEELER_FD", "3"), Peer.classes())) {
            assertEquals(70, peer.ended());
            assertTrue(peer.errors().contains("HEELER_FD=0"));
        }
    }

    @Test
    void hello_says_what_there_is() throws Exception {
        try (Peer peer = Peer.of("samples.Web")) {
            assertEquals(1 << 20, peer.window);
            assertTrue(peer.concurrency >= 1 && peer.concurrency <= 1000, peer.concurrency + " places");
            assertEquals("java", peer.about.get("language"));
            assertEquals("http", peer.about.get("style"));
            assertEquals("samples.Web", peer.about.get("function"));
        }
    }
}
