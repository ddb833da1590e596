// How far positions lie from a line, by GeographicLib (C. Karney): an oracle that shares no code with the border index.
//
//   oracle LINE < POSITIONS      LINE: a longitude and a latitude a line; POSITIONS: the same
//
// Prints the distance in metres for each position. The line is straight in longitude and latitude between its vertices.
// It is cut to pieces of at most a kilometre; the pieces whose chord could be nearest are searched with true geodesics.
#include <GeographicLib/Geodesic.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

struct Place {
    double lon, lat;
};
struct Point {
    double x, y, z;
};

static Point point(Place p) {
    const double a = 6378137.0, f = 1 / 298.257223563, e2 = f * (2 - f), r = M_PI / 180;
    const double s = std::sin(p.lat * r), n = a / std::sqrt(1 - e2 * s * s), c = n * std::cos(p.lat * r);
    return {c * std::cos(p.lon * r), c * std::sin(p.lon * r), n * (1 - e2) * s};
}

static double away(Point p, Point a, Point b) {
    const double dx = b.x - a.x, dy = b.y - a.y, dz = b.z - a.z, l = dx * dx + dy * dy + dz * dz;
    double t = l > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy + (p.z - a.z) * dz) / l : 0;
    t = std::min(1.0, std::max(0.0, t));
    return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy, p.z - a.z - t * dz);
}

static double geodesic(Place p, Place q) {
    double metres;
    GeographicLib::Geodesic::WGS84().Inverse(p.lat, p.lon, q.lat, q.lon, metres);
    return metres;
}

/// The least distance to a piece: along a kilometre it has one minimum.
static double search(Place p, Place a, Place b) {
    auto at = [&](double t) { return geodesic(p, {a.lon + t * (b.lon - a.lon), a.lat + t * (b.lat - a.lat)}); };
    double low = 0, high = 1;
    for (int round = 0; round < 24; round++) {
        const double third = (high - low) / 3;
        if (at(low + third) < at(high - third)) high -= third; else low += third;
    }
    return at((low + high) / 2);
}

int main(int count, char **words) {
    if (count != 2) return 64;
    std::ifstream file(words[1]);
    std::vector<Place> line, pieces, places;
    for (Place p; file >> p.lon >> p.lat;) line.push_back(p);
    for (size_t i = 0; i + 1 < line.size(); i++) {
        const double dx = line[i + 1].lon - line[i].lon, dy = line[i + 1].lat - line[i].lat;
        const int n = std::max(1, (int)std::ceil(std::hypot(dx, dy) / 0.01));
        for (int k = 0; k < n; k++) pieces.push_back({line[i].lon + dx * k / n, line[i].lat + dy * k / n});
    }
    pieces.push_back(line.back());
    std::vector<Point> points;
    for (auto p : pieces) points.push_back(point(p));
    for (Place p; std::scanf("%lf %lf", &p.lon, &p.lat) == 2;) places.push_back(p);
    std::vector<double> found(places.size());
    auto work = [&](size_t from, size_t step) {
        std::vector<double> chords(pieces.size() - 1);
        for (size_t i = from; i < places.size(); i += step) {
            const Point p = point(places[i]);
            for (size_t k = 0; k + 1 < points.size(); k++) chords[k] = away(p, points[k], points[k + 1]);
            const double least = *std::min_element(chords.begin(), chords.end());
            double best = INFINITY;
            // A chord is shorter than its geodesic by nearly the same for neighbours; a metre is far more than that differs.
            for (size_t k = 0; k < chords.size(); k++)
                if (chords[k] <= least + 1) best = std::min(best, search(places[i], pieces[k], pieces[k + 1]));
            found[i] = best;
        }
    };
    const size_t threads = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> workers;
    for (size_t i = 0; i < threads; i++) workers.emplace_back(work, i, threads);
    for (auto &worker : workers) worker.join();
    for (double metres : found) std::printf("%.3f\n", metres);
    return 0;
}
