package org.luthier.assembler.basicpitch;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.notes.FrameClock;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameLayout.Output;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.osgi.service.component.annotations.Component;

/**
 * Makes notes of the posteriorgrams of Basic Pitch as its reference implementation does, in the same order: notes with an onset, the
 * last first; then those without, the loudest first.
 *
 * <p>A note's velocity is its amplitude times 127, rounded half to even, and 1 at least: MIDI takes 0 for silence. Basic Pitch tells no
 * instruments apart; its notes have program 4 (Electric Piano 1, counted from 0), which is what the reference writes.
 */
@Component
public final class BasicPitchNoteAssembler implements FrameNoteAssembler {
    private static final int PROGRAM = 4;
    private static final int LOWEST_PITCH = 21;
    private static final int SEMITONES = 88;
    private static final Output CONTOUR =
            new Output("contour", SEMITONES * PitchBends.BINS_PER_SEMITONE, LOWEST_PITCH, PitchBends.BINS_PER_SEMITONE);
    private static final Output NOTE = new Output("note", SEMITONES, LOWEST_PITCH, 1);
    private static final Output ONSET = new Output("onset", SEMITONES, LOWEST_PITCH, 1);

    @Override
    public String id() {
        return "basic-pitch-notes";
    }

    @Override
    public String description() {
        return "Note creation of Basic Pitch: onset peaks, then what is still loud, with pitch bends.";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                Parameter.number("onset-threshold", 0.5, 0, 1, "", "Least likelihood of an onset that starts a note."),
                Parameter.number(
                        "frame-threshold", 0.3, 0, 1, "", "Likelihood of a note below which a frame counts as quiet."),
                Parameter.number(
                        "min-note-ms", 127.7, 0, 60_000, "ms", "Notes that are not longer than this are dropped."),
                Parameter.integer(
                        "energy-tolerance", 11, 0, 10_000, "frames", "Quiet frames in a row that end a note."),
                Parameter.flag("infer-onsets", true, "Let sudden rises of the note likelihood count as onsets."),
                Parameter.flag("melodia-trick", true, "Look for loud notes that have no onset, too."),
                Parameter.number("min-hz", null, 1, 20_000, "Hz", "Drop notes below this frequency."),
                Parameter.number(
                        "max-hz", null, 1, 20_000, "Hz", "Drop notes at and above the semitone of this frequency."));
    }

    @Override
    public void checkFits(FrameLayout layout) {
        List<Output> expected = List.of(CONTOUR, NOTE, ONSET);
        if (!layout.outputs().containsAll(expected)) {
            throw new LuthierException(
                    "note assembler " + id() + " reads " + describe(expected) + ", but the model gives "
                            + describe(layout.outputs()) + "; choose another assembler with --assembler");
        }
    }

    private static String describe(List<Output> outputs) {
        return outputs.stream()
                .map(output -> output.name() + " (" + output.bins() + " bins from MIDI " + output.lowestPitch() + ", "
                        + output.binsPerSemitone() + " a semitone)")
                .collect(Collectors.joining(", "));
    }

    @Override
    public List<Note> assemble(Posteriorgrams posteriorgrams, Settings settings, Cancellation cancellation) {
        posteriorgrams.outputs().forEach(output -> checkNumbers(output, cancellation));
        Posteriorgram contour = posteriorgrams.get(CONTOUR.name());
        NoteCreation.Rules rules = rules(settings, posteriorgrams.layout().framesPerSecond());
        List<FrameNote> found = NoteCreation.notes(
                posteriorgrams.get(NOTE.name()), posteriorgrams.get(ONSET.name()), rules, cancellation);
        FrameClock clock = posteriorgrams.clock();
        PitchBends bends = new PitchBends(contour);
        List<Note> notes = new ArrayList<>(found.size());
        for (FrameNote note : found) {
            cancellation.check();
            notes.add(new Note(
                    clock.seconds(note.startFrame()),
                    clock.seconds(note.endFrame()),
                    note.bin() + LOWEST_PITCH,
                    (int) Math.max(1, Math.min(127, Math.rint(127 * note.amplitude()))),
                    PROGRAM,
                    false,
                    note.amplitude(),
                    bends.of(note)));
        }
        return notes;
    }

    @Override
    public void check(Settings settings) {
        if (settings.isSet("min-hz")
                && settings.isSet("max-hz")
                && settings.number("min-hz") > settings.number("max-hz")) {
            throw new UsageException("--min-hz " + settings.number("min-hz") + " is above --max-hz "
                    + settings.number("max-hz") + ": no note lies between them; swap the two");
        }
    }

    /** What is not a number is never quiet, so it would make long notes of nothing. */
    private static void checkNumbers(Posteriorgram output, Cancellation cancellation) {
        for (int frame = 0; frame < output.frames(); frame++) {
            if (frame % 4096 == 0) {
                cancellation.check();
            }
            for (int bin = 0; bin < output.bins(); bin++) {
                if (Float.isNaN(output.at(frame, bin))) {
                    throw new LuthierException(
                            "the model's output '" + output.name() + "' is not a number at frame " + frame + ", bin "
                                    + bin + ": its weights or kernels are at fault; layer:diff finds the layer");
                }
            }
        }
    }

    static NoteCreation.Rules rules(Settings settings, double framesPerSecond) {
        return new NoteCreation.Rules(
                settings.number("onset-threshold"),
                settings.number("frame-threshold"),
                (int) Math.rint(settings.number("min-note-ms") / 1000 * framesPerSecond),
                settings.integer("energy-tolerance"),
                settings.flag("infer-onsets"),
                settings.flag("melodia-trick"),
                settings.isSet("min-hz") ? bin(settings.number("min-hz")) : 0,
                settings.isSet("max-hz") ? bin(settings.number("max-hz")) : SEMITONES);
    }

    /** The bin nearest to a frequency, or the nearest end of the range: 0..88. */
    private static int bin(double hertz) {
        double pitch = 69 + 12 * Math.log(hertz / 440) / Math.log(2);
        return (int) Math.max(0, Math.min(SEMITONES, Math.rint(pitch) - LOWEST_PITCH));
    }
}
