package heeler;

import java.lang.reflect.InvocationTargetException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which class, which method and which style: by heeler's settings first, then by the environment of the system that the
 * function was written for, then by what the class is.
 */
final class Load {
    static final List<String> STYLES = List.of("http", "lambda", "kubeless", "openfaas", "function");
    private static final String OPENFAAS = "com.openfaas.function.Handler";

    private final Map<String, String> settings;
    private final Map<String, String> env;
    private final String file;
    private final Map<String, String> about = new LinkedHashMap<>();

    Load(Map<String, String> settings, Map<String, String> env, String file) {
        this.settings = settings;
        this.env = env;
        this.file = file;
    }

    /** What the worker says of itself. */
    Map<String, String> about() {
        return about;
    }

    void style(Serving serving) throws NotLoaded {
        String wanted = setting("handler_style", byEnvironment());
        if (!wanted.isEmpty() && !STYLES.contains(wanted)) {
            throw new NotLoaded("handler_style=" + wanted + " is not known for Java; known are " + String.join(", ", STYLES));
        }
        ClassPath path = new ClassPath(file, env.get("FUNCTION_CLASSPATH"));
        FunctionLoader loader = new FunctionLoader(path.urls());
        serving.loader = loader;
        // Constructors look for services and resources as calls do.
        Thread.currentThread().setContextClassLoader(loader);
        Target target = target(wanted, path);
        Class<?> type = load(loader, target.type(), path);
        String name = wanted.isEmpty() ? Styles.of(type, target.method()) : wanted;
        serving.style = Styles.make(name, type, target.method(), env);
        about.put("language", "java");
        about.put("version", Runtime.version().toString());
        about.put("style", name);
        about.put("function", target.method() == null ? type.getName() : type.getName() + "::" + target.method());
        about.put("file", path.toString());
    }

    private String setting(String name, String otherwise) {
        String given = settings.getOrDefault(name, env.getOrDefault(name, ""));
        return given.isEmpty() ? otherwise : given;
    }

    private String byEnvironment() {
        if (has("FUNCTION_TARGET")) return "http";
        if (has("_HANDLER")) return "lambda";
        return has("MOD_NAME") && has("FUNC_HANDLER") ? "kubeless" : "";
    }

    private boolean has(String name) {
        return !env.getOrDefault(name, "").isEmpty();
    }

    /** A class, and the method of it if one was named. */
    private record Target(String type, String method) {
        static Target parse(String text) {
            int colons = text.indexOf("::");
            return colons < 0 ? new Target(text, null) : new Target(text.substring(0, colons), text.substring(colons + 2));
        }
    }

    private Target target(String style, ClassPath path) throws NotLoaded {
        String handler = setting("handler", "");
        if (!handler.isEmpty()) return Target.parse(handler);
        if (style.equals("http") && has("FUNCTION_TARGET")) return Target.parse(env.get("FUNCTION_TARGET"));
        if (style.equals("lambda") && has("_HANDLER")) return Target.parse(env.get("_HANDLER"));
        if (style.equals("kubeless") && has("MOD_NAME")) return new Target("io.kubeless." + env.get("MOD_NAME"), env.get("FUNC_HANDLER"));
        if (style.equals("openfaas")) return new Target(OPENFAAS, null);
        return new Target(Scan.only(path.places.get(0)), null);
    }

    /** `a.b.Outer.Inner` is found too: its last dots are taken as those of nested classes. */
    private static Class<?> load(FunctionLoader loader, String name, ClassPath path) throws NotLoaded {
        for (String tried = name; ; ) {
            try {
                return Class.forName(tried, true, loader);
            } catch (ClassNotFoundException missing) {
                int dot = tried.lastIndexOf('.');
                if (dot < 0) throw new NotLoaded("no class " + name + " in " + path);
                tried = tried.substring(0, dot) + '$' + tried.substring(dot + 1);
            } catch (LinkageError broken) {
                throw new NotLoaded("class " + name + " in " + path + " cannot be loaded: " + broken, broken);
            }
        }
    }

    static Object construct(Class<?> type) throws NotLoaded {
        try {
            return type.getConstructor().newInstance();
        } catch (NoSuchMethodException missing) {
            throw new NotLoaded(type.getName() + " has no public constructor without parameters");
        } catch (InvocationTargetException raised) {
            throw new NotLoaded("the constructor of " + type.getName() + " failed: " + raised.getCause(), raised.getCause());
        } catch (ReflectiveOperationException broken) {
            throw new NotLoaded(type.getName() + " cannot be constructed: " + broken, broken);
        }
    }
}
