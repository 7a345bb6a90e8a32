package samples;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** All that a worker may meet, by the path. */
public class Web implements HttpFunction, AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static Object[] HOARD = {};
    private static final CountDownLatch OPEN = new CountDownLatch(1);

    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        switch (request.getPath()) {
            case "/hello" -> {
                response.setContentType("text/plain");
                byte[] body = request.getInputStream().readAllBytes();
                response.getOutputStream().write(new String(body, StandardCharsets.UTF_8).toUpperCase().getBytes(StandardCharsets.UTF_8));
            }
            case "/echo" -> {
                byte[] piece = new byte[8192];
                for (int count; (count = request.getInputStream().read(piece)) >= 0; ) response.getOutputStream().write(piece, 0, count);
            }
            case "/first" -> {
                response.getOutputStream().write("first".getBytes(StandardCharsets.UTF_8));
                response.getOutputStream().flush();
                OPEN.await();
            }
            case "/wait" -> {
                OPEN.await();
                response.getWriter().write("waited");
            }
            case "/status" -> {
                response.getWriter().write("body");
                response.setStatusCode(Integer.parseInt(request.getQuery().orElseThrow()));
            }
            case "/header" -> response.appendHeader(request.getFirstQueryParameter("name").orElseThrow(), request.getFirstQueryParameter("value").orElseThrow());
            case "/type" -> {
                response.setContentType("text/plain\r\nx-b: c");
                response.getOutputStream().flush();
            }
            case "/long" -> throw new IllegalStateException("\u65e5".repeat(59_000));
            case "/unrest" -> Thread.getAllStackTraces().keySet().forEach(Thread::interrupt);
            case "/rest" -> response.getWriter().write(
                String.valueOf(Thread.getAllStackTraces().keySet().stream().filter(one -> one.getName().startsWith("heeler ") && one.isInterrupted()).toList()));
            case "/calm" -> response.getWriter().write(String.valueOf(!Thread.currentThread().isInterrupted()));
            case "/hoard" -> hoard();
            case "/open" -> OPEN.countDown();
            case "/sleep" -> {
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException told) {
                    System.out.println("interrupted");
                }
            }
            case "/stubborn" -> {
                System.out.println("begun");
                while (OPEN.getCount() > 0) {
                    try {
                        OPEN.await();
                    } catch (InterruptedException told) {
                        System.out.println("no");
                    }
                }
            }
            case "/interrupt" -> {
                Thread.currentThread().interrupt();
                response.getWriter().write("interrupted ");
                response.getWriter().flush();
                response.getWriter().write(String.valueOf(Thread.currentThread().isInterrupted()));
            }
            case "/print" -> {
                System.out.print("one\ntwo ");
                System.err.println("three");
                System.out.print("four");
            }
            case "/thread" -> {
                Thread other = new Thread(() -> {
                    try {
                        response.getOutputStream().write(new byte[100_000]);
                        response.getOutputStream().flush();
                    } catch (Exception broken) {
                        throw new IllegalStateException(broken);
                    }
                });
                other.start();
                other.join();
            }
            case "/throw" -> throw new IllegalStateException("too\0far");
            case "/maybe" -> {
                // Quick but for once in a while: the right to read changes hands while calls come.
                if (COUNT.incrementAndGet() % 40 == 0) Thread.sleep(6);
                response.getWriter().write(request.getFirstQueryParameter("n").orElse(""));
            }
            case "/deep" -> deep(0);
            default -> response.setStatusCode(404);
        }
    }

    /** Cannot be constructed, and says so at length. */
    public static final class Never extends Web {
        public Never() {
            throw new IllegalStateException("\u65e5".repeat(100_000));
        }
    }

    /** Keeps all the memory there is. */
    private static void hoard() {
        for (int size = 1 << 20; size > 0; ) {
            try {
                HOARD = new Object[] {HOARD, new byte[size]};
            } catch (OutOfMemoryError full) {
                size /= 2;
            }
        }
    }

    private static int deep(int level) {
        return deep(level + 1) + 1;
    }

    @Override
    public void close() {
        System.err.println("closed");
    }
}
