package org.luthier.assembler.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;

/** Tokens to notes, and what two lists of notes have to have in common. */
final class Streams {
    /** The reference's files give times with all their digits; a decimal one of ours is off by less than this. */
    private static final double SECONDS_TOLERANCE = 1e-9;

    private static final Mt3ReferenceAssembler ASSEMBLER = new Mt3ReferenceAssembler();

    private Streams() {}

    static Assembly begin(Tokenizer tokenizer) {
        return ASSEMBLER.begin(tokenizer, Settings.defaults(ASSEMBLER));
    }

    static SegmentEvents events(Tokenizer tokenizer, SegmentTokens segment) {
        return new SegmentEvents(
                segment.start(),
                segment.channels().stream().map(tokenizer::events).toList());
    }

    /** Assembles a recording, and checks on the way that what was returned early is what comes out in the end. */
    static Assembled assemble(Tokenizer tokenizer, List<SegmentTokens> segments) {
        Assembly assembly = begin(tokenizer);
        List<Note> early = new ArrayList<>();
        for (SegmentTokens segment : segments) {
            early.addAll(assembly.accept(events(tokenizer, segment)));
        }
        Assembled assembled = assembly.finish();
        assertEquals(assembled.notes().subList(0, early.size()), early);
        return assembled;
    }

    /** Compares notes, in order, with rows of start, end, pitch, velocity, program, drum. */
    static void assertNotes(JsonNode expected, List<Note> notes, String which) {
        assertEquals(expected.size(), notes.size(), which + ": notes");
        for (int i = 0; i < notes.size(); i++) {
            JsonNode row = expected.get(i);
            Note note = notes.get(i);
            String where = which + ": note " + i;
            assertEquals(row.get(0).doubleValue(), note.start(), SECONDS_TOLERANCE, where);
            assertEquals(row.get(1).doubleValue(), note.end(), SECONDS_TOLERANCE, where);
            assertEquals(row.get(2).intValue(), note.pitch(), where);
            assertEquals(row.get(3).intValue(), note.velocity(), where);
            assertEquals(row.get(4).intValue(), note.program(), where);
            JsonNode drum = row.get(5);
            assertEquals(drum.isBoolean() ? drum.booleanValue() : drum.intValue() != 0, note.drum(), where);
        }
    }
}
