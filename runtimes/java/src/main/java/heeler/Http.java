package heeler;

import com.google.cloud.functions.HttpFunction;
import java.util.Set;

/** functions-framework: `service(HttpRequest, HttpResponse)`. */
final class Http extends Style {
    /** What browsers and crawlers ask for on their own. */
    private static final Set<String> UNWANTED = Set.of("/favicon.ico", "/robots.txt");

    private final HttpFunction service;

    Http(Class<?> type) throws NotLoaded {
        super(Load.construct(type));
        service = (HttpFunction) function;
    }

    @Override
    void serve(Call call) throws Exception {
        Batch.asRequest(call);
        if (unwanted(call)) return;
        Response response = new Response(call);
        service.service(new Request(call), response);
        response.close();
    }

    static boolean unwanted(Call call) throws java.io.IOException {
        if (!UNWANTED.contains(call.head.path())) return false;
        call.reply(404, Call.fields(), Frames.EMPTY);
        return true;
    }
}
