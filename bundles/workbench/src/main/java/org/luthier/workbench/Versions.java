package org.luthier.workbench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Comparator;
import java.util.Properties;

/** Versions of bundles, and Luthier's own. */
public final class Versions {
    /** Order of OSGi versions: three numbers, then text; what is no number counts as 0. */
    public static final Comparator<String> ORDER = Versions::compare;

    private static final String LUTHIER = read();

    private Versions() {}

    /** Luthier's version, for example {@code "0.1.0-SNAPSHOT"}. */
    public static String luthier() {
        return LUTHIER;
    }

    private static int compare(String left, String right) {
        String[] a = left.split("\\.", 4);
        String[] b = right.split("\\.", 4);
        for (int i = 0; i < 3; i++) {
            int order = Long.compare(number(a, i), number(b, i));
            if (order != 0) {
                return order;
            }
        }
        return (a.length > 3 ? a[3] : "").compareTo(b.length > 3 ? b[3] : "");
    }

    private static long number(String[] parts, int i) {
        try {
            return i < parts.length ? Long.parseLong(parts[i]) : 0;
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static String read() {
        Properties properties = new Properties();
        try (InputStream in = Versions.class.getResourceAsStream("luthier.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }
}
