package org.luthier.assembler.basicpitch;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.notes.Posteriorgram;

/** Note creation written down as it is described, with whole matrices in double and a search for the maximum each time: the oracle. */
final class NaiveNoteCreation {
    private NaiveNoteCreation() {}

    static List<FrameNote> notes(
            Posteriorgram notePosteriorgram, Posteriorgram onsetPosteriorgram, NoteCreation.Rules rules) {
        double[][] note = matrix(notePosteriorgram, rules);
        double[][] onset = matrix(onsetPosteriorgram, rules);
        int frames = note.length;
        int bins = notePosteriorgram.bins();
        if (rules.inferOnsets()) {
            inferOnsets(note, onset);
        }
        List<FrameNote> notes = new ArrayList<>();
        double[][] energy = new double[frames][];
        for (int t = 0; t < frames; t++) {
            energy[t] = note[t].clone();
        }
        for (int t = frames - 2; t >= 1; t--) {
            for (int p = bins - 1; p >= 0; p--) {
                if (onset[t][p] >= rules.onsetThreshold()
                        && onset[t][p] > onset[t - 1][p]
                        && onset[t][p] > onset[t + 1][p]) {
                    int i = t + 1;
                    int k = 0;
                    while (i < frames - 1 && k < rules.energyTolerance()) {
                        k = energy[i][p] < rules.frameThreshold() ? k + 1 : 0;
                        i++;
                    }
                    i -= k;
                    if (i - t > rules.minimumFrames()) {
                        for (int j = t; j < i; j++) {
                            erase(energy[j], p);
                        }
                        notes.add(new FrameNote(t, i, p, mean(note, t, i, p)));
                    }
                }
            }
        }
        while (rules.melodiaTrick()) {
            int m = 0;
            int p = 0;
            for (int t = 0; t < frames; t++) {
                for (int b = 0; b < bins; b++) {
                    if (energy[t][b] > energy[m][p]) {
                        m = t;
                        p = b;
                    }
                }
            }
            if (frames == 0 || !(energy[m][p] > rules.frameThreshold())) {
                break;
            }
            energy[m][p] = 0;
            int i = m + 1;
            int k = 0;
            while (i < frames - 1 && k < rules.energyTolerance()) {
                k = energy[i][p] < rules.frameThreshold() ? k + 1 : 0;
                erase(energy[i], p);
                i++;
            }
            int end = i - 1 - k;
            i = m - 1;
            k = 0;
            while (i > 0 && k < rules.energyTolerance()) {
                k = energy[i][p] < rules.frameThreshold() ? k + 1 : 0;
                erase(energy[i], p);
                i--;
            }
            int start = i + 1 + k;
            if (end - start > rules.minimumFrames()) {
                notes.add(new FrameNote(start, end, p, mean(note, start, end, p)));
            }
        }
        return notes;
    }

    private static void inferOnsets(double[][] note, double[][] onset) {
        double[][] rise = new double[note.length][];
        double highest = 0;
        double steepest = 0;
        for (int t = 0; t < note.length; t++) {
            rise[t] = new double[note[t].length];
            for (int p = 0; p < note[t].length; p++) {
                if (t >= 2) {
                    rise[t][p] = Math.max(0, Math.min(note[t][p] - note[t - 1][p], note[t][p] - note[t - 2][p]));
                }
                highest = Math.max(highest, onset[t][p]);
                steepest = Math.max(steepest, rise[t][p]);
            }
        }
        for (int t = 0; t < note.length; t++) {
            for (int p = 0; p < note[t].length; p++) {
                onset[t][p] = Math.max(onset[t][p], rise[t][p] * (highest / steepest));
            }
        }
    }

    private static double[][] matrix(Posteriorgram posteriorgram, NoteCreation.Rules rules) {
        double[][] matrix = new double[posteriorgram.frames()][posteriorgram.bins()];
        for (int t = 0; t < matrix.length; t++) {
            for (int p = rules.firstBin(); p < rules.endBin(); p++) {
                matrix[t][p] = posteriorgram.at(t, p);
            }
        }
        return matrix;
    }

    private static void erase(double[] row, int p) {
        for (int neighbour = Math.max(0, p - 1); neighbour <= Math.min(row.length - 1, p + 1); neighbour++) {
            row[neighbour] = 0;
        }
    }

    private static double mean(double[][] note, int start, int end, int p) {
        double sum = 0;
        for (int t = start; t < end; t++) {
            sum += note[t][p];
        }
        return sum / (end - start);
    }
}
