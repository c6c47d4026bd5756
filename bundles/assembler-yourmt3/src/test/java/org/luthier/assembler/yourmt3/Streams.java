package org.luthier.assembler.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.tokenizer.yourmt3.Tasks;

/** Words to tokens to notes. */
final class Streams {
    static final YourMt3ReferenceAssembler ASSEMBLER = new YourMt3ReferenceAssembler();

    /** By time, apart from rounding. */
    static final Comparator<Note> ORDER = Comparator.comparingLong((Note note) -> Math.round(note.start() * 100))
            .thenComparing(Note::drum)
            .thenComparingInt(Note::program)
            .thenComparingInt(Note::pitch);

    private Streams() {}

    static List<NoteTokenizer> tokenizers() {
        return List.of(
                new Tasks.Mt3FullPlus(),
                new Tasks.Mc13FullPlus(),
                new Tasks.Mc13FullPlus256(),
                new Tasks.SingingV1(),
                new Tasks.SingingDrumV1());
    }

    static NoteTokenizer tokenizer(String task) {
        return Tasks.all().stream()
                .filter(tokenizer -> tokenizer.id().equals(task))
                .findFirst()
                .orElseThrow();
    }

    static Assembly begin(Tokenizer tokenizer) {
        return ASSEMBLER.begin(tokenizer, Settings.defaults(ASSEMBLER));
    }

    /** Where a segment starts, in the reference's arithmetic. */
    static double start(int segment) {
        return segment * 32767 / 16000.0;
    }

    static IntList ids(int... ids) {
        return IntLists.immutable.of(ids);
    }

    /** {@code "tie, shift 10, pitch 60, end"}. */
    static IntList ids(Tokenizer tokenizer, String said) {
        return tokenizer.ids(Stream.of(said.split(", "))
                .filter(word -> !word.isEmpty())
                .map(word -> {
                    String[] parts = word.split(" ");
                    return switch (parts[0]) {
                        case "end" -> new Event("special", 1);
                        case "pad" -> new Event("special", 0);
                        case "tie" -> new Event("tie", 0);
                        default -> new Event(parts[0], Integer.parseInt(parts[1]));
                    };
                })
                .toList());
    }

    /** One channel, segment by segment. */
    static Assembled say(Tokenizer tokenizer, String... segments) {
        List<SegmentTokens> tokens = new ArrayList<>();
        Arrays.stream(segments)
                .forEach(said -> tokens.add(new SegmentTokens(start(tokens.size()), List.of(ids(tokenizer, said)))));
        return assemble(tokenizer, tokens);
    }

    static Assembled assemble(Tokenizer tokenizer, List<SegmentTokens> segments) {
        Assembly assembly = begin(tokenizer);
        for (SegmentTokens segment : segments) {
            assertEquals(List.of(), assembly.accept(events(tokenizer, segment)));
        }
        return assembly.finish();
    }

    static SegmentEvents events(Tokenizer tokenizer, SegmentTokens segment) {
        return new SegmentEvents(
                segment.start(),
                segment.channels().stream().map(tokenizer::events).toList());
    }

    /** {@code "0:60 0.1..0.2"}, a drum {@code "drum 36 0.1"}. */
    static List<String> words(List<Note> notes) {
        return notes.stream()
                .map(note -> note.drum()
                        ? "drum " + note.pitch() + " " + note.start()
                        : note.program() + ":" + note.pitch() + " " + note.start() + ".." + note.end())
                .collect(Collectors.toList());
    }

    static byte[] midi(List<Note> notes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            new YourMt3MidiWriter()
                    .write(
                            new Transcription(0, notes, List.of(), 0, 0, null, "midi", new Timing(0, 0, 0, 0, 0, 0)),
                            out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
