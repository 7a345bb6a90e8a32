package heeler;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Values of JSON as objects of a type: its fields, whatever their access, by their names. With `BEANS` setters go first,
 * as Lambda has it, and numbers that no type was asked for are whole where they are written so; else they are doubles.
 */
final class Binding {
    static final Binding FIELDS = new Binding(false);
    static final Binding BEANS = new Binding(true);

    private final boolean beans;
    private final Map<Class<?>, Map<String, Field>> known = new ConcurrentHashMap<>();

    private Binding(boolean beans) {
        this.beans = beans;
    }

    Object to(Type type, Object value) throws ReflectiveOperationException {
        if (type instanceof ParameterizedType generic) return generic((Class<?>) generic.getRawType(), generic.getActualTypeArguments(), value);
        if (type instanceof WildcardType wild) return to(wild.getUpperBounds()[0], value);
        if (type instanceof TypeVariable<?> variable) return to(variable.getBounds()[0], value);
        if (type instanceof GenericArrayType array) return array(array.getGenericComponentType(), raw(array.getGenericComponentType()), value);
        return plain((Class<?>) type, value);
    }

    private static Class<?> raw(Type type) {
        if (type instanceof Class<?> one) return one;
        return type instanceof ParameterizedType generic ? (Class<?>) generic.getRawType() : Object.class;
    }

    private Object generic(Class<?> type, Type[] arguments, Object value) throws ReflectiveOperationException {
        if (value == null) return null;
        if (Map.class.isAssignableFrom(type)) return map(type, arguments[arguments.length - 1], value);
        if (Collection.class.isAssignableFrom(type)) return collection(type, arguments[0], value);
        return object(type, value);
    }

    private Object plain(Class<?> type, Object value) throws ReflectiveOperationException {
        if (value == null) {
            if (type.isPrimitive()) throw unfit(type, null);
            return null;
        }
        if (type == Object.class) return free(value);
        if (type == String.class || type == CharSequence.class) return text(type, value);
        if (type == boolean.class || type == Boolean.class) return value instanceof Boolean ? value : Boolean.valueOf(text(type, value));
        if (type.isPrimitive() || Number.class.isAssignableFrom(type) || type == Character.class) return number(type, value);
        if (type.isEnum()) return constant(type, value);
        if (type.isArray()) return array(type.getComponentType(), type.getComponentType(), value);
        if (Map.class.isAssignableFrom(type)) return map(type, Object.class, value);
        if (Collection.class.isAssignableFrom(type) || type == Iterable.class) return collection(type, Object.class, value);
        return object(type, value);
    }

    /** A value that no type was asked for. */
    Object free(Object value) {
        if (value instanceof Num num) return beans ? num.natural() : (Object) num.doubleValue();
        if (value instanceof List<?> list) {
            List<Object> copy = new ArrayList<>(list.size());
            for (Object one : list) copy.add(free(one));
            return copy;
        }
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> copy = new LinkedHashMap<>();
            map.forEach((name, one) -> copy.put((String) name, free(one)));
            return copy;
        }
        return value;
    }

    private static IllegalArgumentException unfit(Type type, Object value) {
        String what = value == null ? "null" : value instanceof Map ? "an object" : value instanceof List ? "a list" : value.getClass().getSimpleName().equals("Num") ? "a number" : "a " + value.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
        return new IllegalArgumentException(what + " of JSON is no " + type.getTypeName());
    }

    private static String text(Class<?> type, Object value) {
        if (value instanceof Map || value instanceof List) throw unfit(type, value);
        return value.toString();
    }

    private static Object number(Class<?> type, Object value) {
        if (type == char.class || type == Character.class) {
            String text = text(type, value);
            if (text.length() != 1) throw unfit(type, value);
            return text.charAt(0);
        }
        BigDecimal exact;
        try {
            exact = new BigDecimal(text(type, value));
        } catch (NumberFormatException wrong) {
            throw unfit(type, value);
        }
        if (type == int.class || type == Integer.class) return exact.intValueExact();
        if (type == long.class || type == Long.class) return exact.longValueExact();
        if (type == double.class || type == Double.class) return exact.doubleValue();
        if (type == float.class || type == Float.class) return exact.floatValue();
        if (type == short.class || type == Short.class) return exact.shortValueExact();
        if (type == byte.class || type == Byte.class) return exact.byteValueExact();
        if (type == BigDecimal.class) return exact;
        if (type == BigInteger.class) return exact.toBigIntegerExact();
        if (type == Number.class) return value;
        throw unfit(type, value);
    }

    private static Object constant(Class<?> type, Object value) {
        for (Object one : type.getEnumConstants()) if (((Enum<?>) one).name().equals(value)) return one;
        return null;
    }

    private Object array(Type of, Class<?> raw, Object value) throws ReflectiveOperationException {
        if (!(value instanceof List<?> list)) throw unfit(raw.arrayType(), value);
        Object array = Array.newInstance(raw, list.size());
        for (int at = 0; at < list.size(); at++) Array.set(array, at, to(of, list.get(at)));
        return array;
    }

    private Object collection(Class<?> type, Type of, Object value) throws ReflectiveOperationException {
        if (!(value instanceof List<?> list)) throw unfit(type, value);
        @SuppressWarnings("unchecked")
        Collection<Object> made = (Collection<Object>) (!type.isInterface() ? make(type)
            : Set.class.isAssignableFrom(type) ? new LinkedHashSet<>()
            : java.util.Queue.class.isAssignableFrom(type) ? new ArrayDeque<>() : new ArrayList<>());
        for (Object one : list) made.add(to(of, one));
        return made;
    }

    private Object map(Class<?> type, Type of, Object value) throws ReflectiveOperationException {
        if (!(value instanceof Map<?, ?> map)) throw unfit(type, value);
        @SuppressWarnings("unchecked")
        Map<Object, Object> made = (Map<Object, Object>) (type.isInterface() ? new LinkedHashMap<>() : make(type));
        for (Map.Entry<?, ?> one : map.entrySet()) made.put(one.getKey(), to(of, one.getValue()));
        return made;
    }

    private Object object(Class<?> type, Object value) throws ReflectiveOperationException {
        if (type.getName().startsWith("java.") || type.isInterface()) {
            throw new IllegalArgumentException(type.getName() + " is nothing that JSON is made into here; a function that brings Gson has its ways");
        }
        if (!(value instanceof Map<?, ?> map)) throw unfit(type, value);
        if (type.isRecord()) return record(type, map);
        Object made = make(type);
        Map<String, Method> setters = beans ? setters(type) : Map.of();
        Map<String, Field> fields = fields(type);
        for (Map.Entry<?, ?> one : map.entrySet()) {
            Method setter = setters.get(one.getKey());
            Field field = fields.get(one.getKey());
            if (setter != null) setter.invoke(made, to(setter.getGenericParameterTypes()[0], one.getValue()));
            else if (field != null && (one.getValue() != null || !field.getType().isPrimitive())) field.set(made, to(field.getGenericType(), one.getValue()));
        }
        return made;
    }

    private Object record(Class<?> type, Map<?, ?> map) throws ReflectiveOperationException {
        RecordComponent[] parts = type.getRecordComponents();
        Class<?>[] types = new Class<?>[parts.length];
        Object[] values = new Object[parts.length];
        for (int at = 0; at < parts.length; at++) {
            types[at] = parts[at].getType();
            Object given = map.get(parts[at].getName());
            values[at] = given == null && types[at].isPrimitive() ? Array.get(Array.newInstance(types[at], 1), 0) : to(parts[at].getGenericType(), given);
        }
        Constructor<?> constructor = type.getDeclaredConstructor(types);
        constructor.setAccessible(true);
        return constructor.newInstance(values);
    }

    private static Object make(Class<?> type) throws ReflectiveOperationException {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException missing) {
            throw new IllegalArgumentException(type.getName() + " has no constructor without parameters, and is no record");
        } catch (InvocationTargetException raised) {
            throw new IllegalArgumentException("the constructor of " + type.getName() + " failed", raised.getCause());
        }
    }

    /** By name, those of the class itself before those of what it extends. */
    Map<String, Field> fields(Class<?> type) {
        return known.computeIfAbsent(type, Binding::find);
    }

    private static Map<String, Field> find(Class<?> type) {
        Map<String, Field> found = new LinkedHashMap<>();
        for (Class<?> at = type; at != null && at != Object.class && at != Record.class; at = at.getSuperclass()) {
            if (at.getName().startsWith("java.")) throw new IllegalArgumentException(type.getName() + " is nothing that JSON is made of here; a function that brings Gson has its ways");
            for (Field field : at.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers()) || Modifier.isTransient(field.getModifiers()) || field.isSynthetic()) continue;
                field.setAccessible(true);
                found.putIfAbsent(field.getName(), field);
            }
        }
        return found;
    }

    private static Map<String, Method> setters(Class<?> type) {
        Map<String, Method> found = new HashMap<>();
        for (Method method : type.getMethods()) {
            String name = method.getName();
            if (!name.startsWith("set") || name.length() < 4 || method.getParameterCount() != 1 || method.isBridge()) continue;
            method.setAccessible(true);
            found.put(Character.toLowerCase(name.charAt(3)) + name.substring(4), method);
        }
        return found;
    }
}
