package org.luthier.debug.doctor;

import java.nio.file.Path;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;

/** Looks at a recording: whether there is something in it for a model to hear. */
final class SignalStage {
    /** A recording whose largest sample is below this, 60 dB under full scale, may well be without notes. */
    private static final double QUIET = 1e-3;

    /** With more of its samples at full scale a recording is distorted. */
    private static final double CLIPPED = 0.01;

    private SignalStage() {}

    static void examine(Recording recording, Path audio, Notebook notes) {
        notes.examine(Stage.SIGNAL);
        AudioFacts facts = recording.facts();
        String next = Notebook.command("transcribe", audio);
        if (facts.silent() || facts.peak() < QUIET) {
            notes.find(
                    Stage.SIGNAL,
                    facts.silent() ? "the recording is silent" : "the recording is far too soft",
                    "another file, another channel, or a gain that was lost on the way; the checkpoint cannot be judged by it",
                    Notebook.format("largest sample %.2g of full scale in %.1f s", facts.peak(), recording.seconds()),
                    next);
        }
        double clipped = facts.frames() == 0 ? 0 : (double) facts.clipped() / facts.frames() / facts.channels();
        String at = Notebook.format("%.2g %% of its samples are at full scale or above", 100 * clipped);
        if (clipped > CLIPPED) {
            notes.find(Stage.SIGNAL, "the recording is clipped", "it was recorded, or made louder, too loud", at, next);
        } else if (clipped > 0) {
            notes.remark("the recording may be clipped: " + at);
        }
        if (facts.replaced() > 0) {
            notes.find(
                    Stage.SIGNAL,
                    "the recording has samples that are no numbers",
                    "the program that wrote it divided by zero",
                    Notebook.count(facts.replaced(), "sample") + " read as silence",
                    next);
        }
        if (2 * facts.sampleRate() <= recording.sampleRate()) {
            notes.find(
                    Stage.SIGNAL,
                    "the recording has only half of the band that the model hears",
                    "it was resampled to a lower rate on the way, a telephone's for example",
                    facts.sampleRate() + " samples a second, the model takes " + recording.sampleRate(),
                    next);
        } else if (facts.sampleRate() < recording.sampleRate()) {
            notes.remark("the recording has " + facts.sampleRate() + " samples a second, the model takes "
                    + recording.sampleRate());
        }
    }
}
