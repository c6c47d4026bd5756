package org.luthier.assembler.basicpitch;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameLayout.Output;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.plugin.Settings;

class BasicPitchNoteAssemblerTest {
    private final BasicPitchNoteAssembler assembler = new BasicPitchNoteAssembler();

    @Test
    void fitsTheLayoutOfBasicPitchInAnyOrder() {
        assembler.checkFits(Layouts.BASIC_PITCH);
        List<Output> outputs = Layouts.BASIC_PITCH.outputs();
        assertDoesNotThrow(() ->
                assembler.checkFits(new FrameLayout(86, List.of(outputs.get(2), outputs.get(1), outputs.get(0)))));
    }

    @Test
    void refusesAnotherLayoutAndSaysBoth() {
        FrameLayout layout = new FrameLayout(100, List.of(new Output("note", 128, 0, 1)));
        String message = assertThrows(LuthierException.class, () -> assembler.checkFits(layout))
                .getMessage();
        assertTrue(message.contains("contour (264 bins from MIDI 21, 3 a semitone)"), message);
        assertTrue(message.contains("note (128 bins from MIDI 0, 1 a semitone)"), message);
    }

    @Test
    void noFramesGiveNoNotes() {
        assertEquals(List.of(), assembler.assemble(recording(0), Settings.defaults(assembler), Cancellation.NONE));
    }

    @Test
    void theDefaultsAreThoseOfTheReference() {
        assertEquals(
                new NoteCreation.Rules(0.5, 0.3, 11, 11, true, true, 0, 88),
                BasicPitchNoteAssembler.rules(Settings.defaults(assembler), 22050 / 256.0));
    }

    /** A semitone is 6 %: 25.9 Hz is MIDI 20, 4186 Hz MIDI 108 = bin 87, which the upper limit excludes. */
    @ParameterizedTest
    @CsvSource({"25, 4186, 0, 87", "27.5, 4500, 0, 88", "200, 400, 34, 46", "1, 20000, 0, 88", "440, 440, 48, 48"})
    void frequencyLimitsBecomeBins(String lowest, String highest, int first, int end) {
        NoteCreation.Rules rules = BasicPitchNoteAssembler.rules(
                Settings.of(assembler, Map.of("min-hz", lowest, "max-hz", highest)), 22050 / 256.0);
        assertEquals(List.of(first, end), List.of(rules.firstBin(), rules.endBin()));
    }

    @Test
    void limitsThatLeaveNothingAreRefused() {
        String message = assertThrows(
                        UsageException.class, () -> Settings.of(assembler, Map.of("min-hz", "500", "max-hz", "200")))
                .getMessage();
        assertTrue(message.contains("500") && message.contains("200"), message);
    }

    @Test
    void outputsThatAreNoNumbersAreRefused() {
        Posteriorgrams recording = recording(50);
        recording.get("onset").values()[7 * 88 + 3] = Float.NaN;
        String message = assertThrows(
                        LuthierException.class,
                        () -> assembler.assemble(recording, Settings.defaults(assembler), Cancellation.NONE))
                .getMessage();
        assertTrue(message.contains("'onset'") && message.contains("frame 7, bin 3"), message);
    }

    @Test
    void everyParameterIsDescribedWithinItsBounds() {
        assembler.parameters().forEach(parameter -> {
            assertTrue(parameter.description().endsWith("."), parameter.name());
            if (parameter.defaultValue() instanceof Number number) {
                assertTrue(
                        parameter.minimum() <= number.doubleValue() && number.doubleValue() <= parameter.maximum(),
                        parameter.name());
            }
        });
    }

    @Test
    void velocityIsNeverTheSilenceOfMidi() {
        Posteriorgrams recording = recording(50);
        for (int frame = 10; frame < 40; frame++) {
            recording.get("note").values()[frame * 88 + 40] = 0.001f;
        }
        recording.get("onset").values()[10 * 88 + 40] = 0.9f;
        Settings settings = Settings.of(assembler, Map.of("frame-threshold", "0.0005"));
        List<Note> notes = assembler.assemble(recording, settings, Cancellation.NONE);
        assertEquals(List.of(1), notes.stream().map(Note::velocity).toList());
    }

    @Test
    void bendsTakeTheLowestOfEqualBinsAndStayInTheContour() {
        float[] values = new float[2 * 264];
        PitchBends bends = new PitchBends(new Posteriorgram("contour", 2, 264, values));
        // Nothing sounds: every bin is equal, the lowest within reach wins.
        assertEquals(IntLists.immutable.of(0, 0), bends.of(new FrameNote(0, 2, 0, 1)));
        assertEquals(IntLists.immutable.of(-25, -25), bends.of(new FrameNote(0, 2, 40, 1)));
        values[264 + 263] = 1;
        assertEquals(2, bends.of(new FrameNote(0, 2, 87, 1)).get(1));
        // A third of a semitone away weighs exp(-1/50) = 0.98.
        values[120] = 0.97f;
        values[121] = 1;
        assertEquals(1, bends.of(new FrameNote(0, 1, 40, 1)).get(0));
        values[120] = 0.99f;
        assertEquals(0, bends.of(new FrameNote(0, 1, 40, 1)).get(0));
    }

    private static Posteriorgrams recording(int frames) {
        return new Posteriorgrams(
                Layouts.BASIC_PITCH,
                frame -> frame / 86.0,
                List.of(
                        new Posteriorgram("contour", frames, 264, new float[frames * 264]),
                        new Posteriorgram("note", frames, 88, new float[frames * 88]),
                        new Posteriorgram("onset", frames, 88, new float[frames * 88])));
    }
}
