package org.luthier.debug.html;

import java.util.Locale;

/** Numbers and names as the page says them, the same in every country. */
final class Numbers {
    /** Of a longer name the middle is left out. */
    private static final int LONGEST = 96;

    private Numbers() {}

    /** An error: two digits and the power of ten. */
    static String error(double value) {
        return value == 0 ? "0" : format("%.1e", value);
    }

    /** A share, a cosine, a ratio. */
    static String ratio(double value) {
        return format(Math.abs(value) < 1e4 ? "%.4f" : "%.1e", value);
    }

    /** A value of a tensor. */
    static String value(double value) {
        double size = Math.abs(value);
        return value == 0 ? "0" : format(size >= 1e-3 && size < 1e5 ? "%.4g" : "%.2e", value);
    }

    /** Any number; a dash where there is none. */
    static String format(String format, double value) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, format, value);
    }

    static String count(long count, String one, String many) {
        return String.format(Locale.ROOT, "%,d %s", count, count == 1 ? one : many);
    }

    /** A name, shortened if need be; its beginning and its end say most. */
    static String name(String name) {
        return shortened(name, LONGEST);
    }

    /** A text of at most so many characters. */
    static String shortened(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        return text.substring(0, most / 2) + "…" + text.substring(text.length() - most / 2 + 1);
    }
}
