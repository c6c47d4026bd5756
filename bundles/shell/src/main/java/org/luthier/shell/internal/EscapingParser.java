package org.luthier.shell.internal;

import java.util.List;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.impl.LineReaderImpl;

/**
 * Gogo's parser of command lines, with another way to write what TAB has found: Gogo's own throws an exception, which ends its shell, at
 * the first character that must be escaped, and knows only of blanks. Used where there is JLine only.
 */
final class EscapingParser implements Parser {
    private static final String PLAIN_MARKS = "_./:,+@=-";
    private static final int ASCII = 128;

    private final Parser gogo;

    EscapingParser(Parser gogo) {
        this.gogo = gogo;
    }

    /**
     * Puts it into a line editor, once.
     *
     * @param reader JLine's
     */
    static void install(Object reader) {
        if (reader instanceof LineReaderImpl editor && !(editor.getParser() instanceof EscapingParser)) {
            editor.setParser(new EscapingParser(editor.getParser()));
        }
    }

    @Override
    public ParsedLine parse(String line, int cursor, ParseContext context) {
        ParsedLine parsed = gogo.parse(line, cursor, context);
        // The shell takes a line that is executed for one of its own.
        return context == ParseContext.COMPLETE && parsed instanceof CompletingParsedLine completing
                ? new Line(completing)
                : parsed;
    }

    /** A backslash is right before every mark, also where the word began with a quote: the whole word is written anew. */
    static String escape(CharSequence word) {
        StringBuilder escaped = new StringBuilder();
        for (int i = 0; i < word.length(); i++) {
            char c = word.charAt(i);
            if (c < ASCII && !Character.isLetterOrDigit(c) && PLAIN_MARKS.indexOf(c) < 0) {
                escaped.append('\\');
            }
            escaped.append(c);
        }
        return escaped.toString();
    }

    private record Line(CompletingParsedLine gogo) implements CompletingParsedLine {
        @Override
        public CharSequence escape(CharSequence candidate, boolean complete) {
            return EscapingParser.escape(candidate);
        }

        @Override
        public int rawWordCursor() {
            return gogo.rawWordCursor();
        }

        @Override
        public int rawWordLength() {
            return gogo.rawWordLength();
        }

        @Override
        public String word() {
            return gogo.word();
        }

        @Override
        public int wordCursor() {
            return gogo.wordCursor();
        }

        @Override
        public int wordIndex() {
            return gogo.wordIndex();
        }

        @Override
        public List<String> words() {
            return gogo.words();
        }

        @Override
        public String line() {
            return gogo.line();
        }

        @Override
        public int cursor() {
            return gogo.cursor();
        }
    }
}
