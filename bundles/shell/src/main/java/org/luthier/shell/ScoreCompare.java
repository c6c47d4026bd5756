package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.evaluation.Prf;
import org.luthier.evaluation.Scores;
import org.luthier.files.text.TextTable;
import org.luthier.midi.MidiReader;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code score:compare}: how well one MIDI file agrees with another. */
@Component(service = ShellCommand.class)
public final class ScoreCompare extends ShellCommand<ScoreCompare.Options> {
    @Activate
    public ScoreCompare(@Reference Surroundings surroundings) {
        super(surroundings, Options::new);
    }

    @Command(
            name = "score:compare",
            description = {
                "Scores a transcription against the truth.",
                "Precision, recall and F1 of onsets (within 50 ms), onsets with offsets, frames, instruments and drums, as mir_eval"
                        + " computes them. A dash stands where the reference has no such notes."
            },
            footerHeading = "%nExamples:%n",
            footer = {"  luthier score:compare truth.mid song.mid", "  luthier score:compare truth.mid song.mid --json"
            })
    static final class Options extends CommonOptions {
        @Parameters(index = "0", paramLabel = "REFERENCE", description = "MIDI file with the truth.")
        Path reference;

        @Parameters(index = "1", paramLabel = "ESTIMATE", description = "MIDI file to be scored.")
        Path estimate;

        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        Scores scores = Scores.compare(MidiReader.read(options.reference), MidiReader.read(options.estimate));
        options.json.print(console, scores::asMap, () -> table(scores));
        return DONE;
    }

    private static String table(Scores scores) {
        TextTable table = new TextTable().row("", "PRECISION", "RECALL", "F1");
        ScoreRows.of(scores)
                .forEach((name, score) -> table.row(
                        name,
                        ScoreRows.figure(score, Prf::precision),
                        ScoreRows.figure(score, Prf::recall),
                        ScoreRows.figure(score, Prf::f1)));
        return table.toString();
    }
}
