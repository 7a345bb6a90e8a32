package heeler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** JSON as values and back. */
class JsonTest {
    record Point(int x, List<String> names) {}

    static class Base {
        int base = 1;
    }

    static class Node extends Base {
        String text;
        Node next;
        transient int hidden = 5;
        Map<String, List<Point>> points;
        long[] numbers;
    }

    @Test
    void what_is_read_is_written_as_it_was() {
        for (String text : List.of("null", "true", "[1,1.50,-0,1e400,12345678901234567890]", "{\"a\":{\"b\":[]},\"\":\"\\u0001\\n\\\\\"}", "\"\u00e9\ud83d\ude00\"")) {
            assertEquals(text, JsonWriter.plain(Json.parse(" " + text + "\n")));
        }
        assertEquals("/\"\u20ac", Json.parse("\"\\/\\\"\\u20AC\""));
    }

    @Test
    void what_is_not_json_is_refused() {
        for (String text : List.of("", "nul", "[1,]", "{\"a\" 1}", "{a:1}", "01", "1.", "+1", "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "[1", "1 2", "'a'", "NaN", "[".repeat(600))) {
            assertThrows(Json.Invalid.class, () -> Json.parse(text), text);
        }
    }

    @Test
    void objects_by_their_fields() throws Exception {
        String text = "{\"text\":\"a\",\"next\":{\"text\":null},\"points\":{\"p\":[{\"x\":1,\"names\":[\"n\"]}]},\"numbers\":[1,2],\"unknown\":{},\"hidden\":7,\"base\":4}";
        Node node = (Node) Binding.FIELDS.to(Node.class, Json.parse(text));
        assertEquals("a", node.text);
        assertEquals(new Point(1, List.of("n")), node.points.get("p").get(0));
        assertEquals(5, node.hidden);
        assertEquals("{\"text\":\"a\",\"next\":{\"base\":1},\"points\":{\"p\":[{\"x\":1,\"names\":[\"n\"]}]},\"numbers\":[1,2],\"base\":4}", JsonWriter.write(node, Binding.FIELDS, false));
        assertThrows(IllegalArgumentException.class, () -> Binding.FIELDS.to(Node.class, Json.parse("{\"numbers\":[\"a\"]}")));
        assertThrows(ArithmeticException.class, () -> Binding.FIELDS.to(int.class, Json.parse("1.5")));
        assertThrows(IllegalArgumentException.class, () -> Binding.FIELDS.to((Type) java.time.Instant.class, Json.parse("{}")));
    }

    @Test
    void numbers_that_nobody_asked_a_type_for() throws Exception {
        assertEquals(List.of(1.0, 2.5), Binding.FIELDS.to(Object.class, Json.parse("[1,2.5]")));
        assertEquals(List.of(1, 2.5, 5_000_000_000L), Binding.BEANS.to(Object.class, Json.parse("[1,2.5,5000000000]")));
    }

    @Test
    void an_object_that_holds_itself_is_refused() {
        Node node = new Node();
        node.next = node;
        assertThrows(IllegalArgumentException.class, () -> JsonWriter.write(node, Binding.FIELDS, false));
    }
}
