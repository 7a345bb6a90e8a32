package io.kubeless;

/** What Kubeless' functions know of themselves: its fields are for this package. */
public class Context {
    String FunctionName;
    String Timeout;
    String Runtime;
    String MemoryLimit;

    public Context(String functionName, String timeout, String runtime, String memoryLimit) {
        FunctionName = functionName;
        Timeout = timeout;
        Runtime = runtime;
        MemoryLimit = memoryLimit;
    }
}
