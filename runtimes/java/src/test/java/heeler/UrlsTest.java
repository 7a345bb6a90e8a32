package heeler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Paths, queries and content types. */
class UrlsTest {
    @Test
    void paths_are_decoded_but_for_what_would_change_their_meaning() {
        String[][] rows = {{"/a%20b%7e%3b", "/a%20b~%3B"}, {"/a+b", "/a+b"}, {"/a%2Fb%25c", "/a%2Fb%25c"}, {"/%C3%A9", "/\u00e9"}, {"/%ff", "/%ff"}, {"/a/../b/./c", "/b/c"}, {"/a/..", "/"}, {"/..", "/"}, {"/a;x=1/b", "/a/b"}, {"/%zz", "/%zz"}, {"/a//b", "/a//b"}};
        for (String[] row : rows) assertEquals(row[1], Urls.canonical(row[0]), row[0]);
    }

    @Test
    void queries_keep_all_values() {
        assertEquals("{q=[1, 2], r=[ x], s=[]}", Urls.query("q=1&q=2&r=+x&&s=").toString().replace("s=[]", "s=[]"));
        assertEquals("{}", Urls.query("").toString());
    }

    @Test
    void parameters_of_headers() {
        assertEquals("B=1;x", Texts.parameter("multipart/form-data; charset=a; boundary=\"B=1;x\"", "boundary"));
        assertEquals(null, Texts.parameter("text/plain", "charset"));
        assertEquals("text/plain", Texts.type("Text/Plain ; charset=utf-8"));
    }
}
