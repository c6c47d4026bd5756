package org.luthier.debug.html;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A page in the making, well-formed as HTML and as XML. Whatever is said goes through here and is escaped, wherever it came from;
 * characters that nobody sees, such as those that turn the direction of writing, are replaced.
 */
final class Html {
    private static final int UNSEEN = 0xFFFD;

    private final StringBuilder out = new StringBuilder("<!DOCTYPE html>\n");
    private final Deque<String> open = new ArrayDeque<>();

    /** Begins an element. Attributes are names and values in turn; one whose value is null is left out. */
    Html open(String tag, String... attributes) {
        tag(tag, attributes).append('>');
        open.push(tag);
        return this;
    }

    /** Ends the element that was begun last. */
    Html close() {
        out.append("</").append(open.pop()).append('>');
        return this;
    }

    /** Ends the element that was begun last, and its line. */
    Html closeLine() {
        close();
        out.append('\n');
        return this;
    }

    /** An element that can hold nothing, or a shape. */
    Html empty(String tag, String... attributes) {
        tag(tag, attributes).append(" />");
        return this;
    }

    /** An element that holds a text. */
    Html element(String tag, String text, String... attributes) {
        return open(tag, attributes).text(text).close();
    }

    /** The name of a tensor or a file, which may be broken behind its dots. */
    Html name(String name) {
        open("code");
        String[] parts = Numbers.name(name).split("(?<=\\.)");
        for (int i = 0; i < parts.length; i++) {
            if (i > 0) {
                empty("wbr");
            }
            text(parts[i]);
        }
        return close();
    }

    Html text(String text) {
        escape(text);
        return this;
    }

    /** A style sheet of our own, as it is. */
    Html style(String css) {
        if (css.indexOf('<') >= 0 || css.indexOf('&') >= 0) {
            throw new IllegalArgumentException("not the same as HTML and as XML");
        }
        out.append("<style>\n").append(css).append("</style>\n");
        return this;
    }

    /** The page, once every element is closed. */
    @Override
    public String toString() {
        if (!open.isEmpty()) {
            throw new IllegalStateException("not closed: " + open);
        }
        return out.toString();
    }

    private StringBuilder tag(String tag, String... attributes) {
        out.append('<').append(tag);
        for (int i = 0; i < attributes.length; i += 2) {
            if (attributes[i + 1] != null) {
                out.append(' ').append(attributes[i]).append("=\"");
                escape(attributes[i + 1]);
                out.append('"');
            }
        }
        return out;
    }

    private void escape(String text) {
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(isSeen(c) ? c : UNSEEN);
            }
        });
    }

    private static boolean isSeen(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.UNASSIGNED,
                    Character.PRIVATE_USE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
