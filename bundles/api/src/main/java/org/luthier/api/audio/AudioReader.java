package org.luthier.api.audio;

import java.nio.file.Path;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.plugin.Part;

/** Decodes an audio file, averages its channels and resamples it, in that order. */
public interface AudioReader extends Part {
    /**
     * Reads a whole file.
     *
     * @param file any format the decoder knows, whatever its suffix
     * @param sampleRate samples per second wanted; the result has ceil(frames * sampleRate / file's rate) samples
     * @param progress told in decoded samples
     * @param cancellation asked at least every second
     * @throws org.luthier.api.LuthierException if the file is not there, not audio, damaged, without samples, or absurd
     */
    Recording read(Path file, int sampleRate, Progress progress, Cancellation cancellation);
}
